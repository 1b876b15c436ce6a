"""Words that logs have for none known: the default of the setting `[log] missing`."""

from __future__ import annotations

MISSING_WORDS = (
    *("null", "(null)", "<null>", "[null]", "\\n", "nil", "none", "(none)", "<none>", "nan", "nat", "na", "n/a", "n.a.", "#n/a", "<na>"),
    *("not set", "(not set)", "not available", "no data", "undefined", "unknown", "(unknown)", "missing", "-", "--", "–", "—", "?"),
    *("#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!", "[]", "{}", "0000-00-00", "0000-00-00 00:00:00"),
    *("unbekannt", "inconnu", "desconocido", "desconhecido", "sconosciuto", "无", "未知", "空", "不详", "未填写", "不明", "なし"),
    *("0", "0.0.0.0", "127.0.0.1"),  # noqa: S104 - a word
)
