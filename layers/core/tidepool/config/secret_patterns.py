"""What looks like a secret in an environment entry. A false alarm costs a rename; a leak is in git for ever."""

from __future__ import annotations

import re

_NAMES = re.compile(
    r"(^|_)(SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|TOKEN|APIKEY|API_KEY|ACCESS_KEY|ACCESS_KEY_ID"
    r"|SECRET_KEY|PRIVATE_KEY|AUTH_KEY|SIGNING_KEY)$",
    re.IGNORECASE,
)
"""Whole last words: HF_TOKEN is refused, OPTION_MAX_BATCH_PREFILL_TOKENS is a number of tokens."""

_VALUES = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS access key ids (IAM user guide, unique identifiers)
    r"|\bhf_[A-Za-z0-9]{16,}"  # Hugging Face
    r"|\bsk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic and others
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{16,}"  # GitHub (token formats, 2021)
    r"|\bglpat-[A-Za-z0-9_-]{16,}"  # GitLab
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."  # a signed JSON web token (RFC 7519)
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"  # PEM (RFC 7468)
    r"|://[^/\s:@]+:[^/\s:@]+@"  # user:password@ in an address (RFC 3986)
)


def looks_secret(name: object, value: object) -> bool:
    """The name says that the value is a secret, or the value has the form of a known kind of key."""
    return bool(_NAMES.search(str(name))) or bool(_VALUES.search(str(value)))
