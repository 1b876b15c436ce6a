"""Why a sink did not take alerts, in words. Kept is what it was, not the words, so that whoever asks reads it in their language."""

from __future__ import annotations

import json
from typing import Any

from graphdet.schema.wording import Language, Wording, filled

FAILURES: dict[str, Wording] = {
    "late": Wording("no answer within {seconds:g|second|seconds}", "{seconds:g} 秒内没有应答"),
    "timed_out": Wording("no answer in time", "未及时应答"),
    "answered": Wording("answered {status}", "应答 {status}"),
    "gone": Wording("answered {status}: the receiver is gone", "应答 {status}：接收方已停用"),
    "elsewhere": Wording("answered {status}, to go elsewhere, which is not followed", "应答 {status}，要求转到别处，未予跟随"),
    "code": Wording("answered code {code}", "应答代码 {code}"),
    "no_bot": Wording("answered something else than such bots do", "应答与此类机器人不符"),
    "no_http": Wording("the answer was none of HTTP ({error})", "应答不是 HTTP（{error}）"),
    "untrusted": Wording("its certificate is not trusted", "其证书不受信任"),
    "tls": Wording("TLS failed", "TLS 失败"),
    "unknown_host": Wording("its host is not known", "找不到其主机"),
    "refused": Wording("the connection was refused", "连接被拒绝"),
    "unconnected": Wording("the connection failed ({reason})", "连接失败（{reason}）"),
    "unwritten": Wording("the file cannot be written: {reason}", "无法写入文件：{reason}"),
    "full": Wording(
        "the file cannot be written: the disk is full or its quota is used up; free some space",
        "无法写入文件：磁盘已满或配额已用完，请释放空间",
    ),
    "no_run": Wording("there is no run to push yet", "还没有可推送的运行结果"),
    "unpushed": Wording("the push failed ({error}); `graphdet push` tells more", "推送失败（{error}）；详情见 `graphdet push`"),
    "failed": Wording("failed ({error})", "失败（{error}）"),
    "no_sink": Wording("the settings name no such sink any more", "设置中已没有这个接收方"),
    "kafka_late": Wording("Kafka: no answer within {seconds:g|second|seconds}", "Kafka：{seconds:g} 秒内没有应答"),
    "kafka_failed": Wording("Kafka: {error}", "Kafka：{error}"),
    "kafka_password": Wording("Kafka: the user or the password was refused", "Kafka：用户或密码被拒绝"),
    "kafka_tls": Wording("Kafka: TLS failed, or the certificate is not trusted", "Kafka：TLS 失败，或证书不受信任"),
    "kafka_host": Wording("Kafka: a host is not known", "Kafka：找不到主机"),
    "kafka_denied": Wording("Kafka: this user may not write to the topic", "Kafka：该用户无权写入此主题"),
    "kafka_topic": Wording("Kafka: there is no such topic", "Kafka：没有这个主题"),
    "kafka_large": Wording("Kafka: the alert is larger than the broker takes", "Kafka：告警超过代理接受的大小"),
}


def as_kept(failure: str, **values: Any) -> str:
    """For the outbox; `failure_in_words` reads it."""
    return json.dumps([failure, values])


def failure_in_words(kept: str, language: Language) -> str:
    """What `as_kept` made, in words; what an older graphdet kept was words already."""
    try:
        failure, values = json.loads(kept)
        return filled(FAILURES[failure].to(language), **values)
    except (ValueError, KeyError, TypeError):
        return kept
