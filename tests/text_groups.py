"""Raw logs with the column that graphdet makes of their texts; that it is right is tested in test_texts.py, against all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from graphdet.events.table import Written
from graphdet.schema import NODE_TYPE, TEXT_GROUP
from graphdet.signals.review_texts import groups_of


def with_text_groups(log: pd.DataFrame) -> pd.DataFrame:
    """The log with `text_group`, where it has texts."""
    if "text" not in log:
        return log
    code, texts = pd.factorize(log["text"])
    users = pd.factorize(log["user_id"])[0]
    groups = groups_of(Written(pa.array(texts, pa.large_string()), code.astype(np.int32)), users.astype(np.int32))
    return log.assign(**{NODE_TYPE[TEXT_GROUP].column: groups.to_pandas()})
