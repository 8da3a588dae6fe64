"""What this machine says of Ray and of credentials, for `wardround doctor`. Never a secret's value."""

import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

_METHODS = {
    "env": "environment variables",
    "shared-credentials-file": "the shared credentials file",
    "custom-process": "credential_process of a profile",
    "config-file": "the AWS config file",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a web identity (IRSA)",
    "sso": "AWS SSO",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}


def ray_version() -> str | None:
    """The installed Ray, without importing it."""
    try:
        return metadata.version("ray")
    except metadata.PackageNotFoundError:
        return None


def ray_token(environment: Mapping[str, str] = os.environ) -> str:
    """Where Ray would take its token from, in Ray's own order; empty where there is none."""
    if environment.get("RAY_AUTH_TOKEN"):
        return "RAY_AUTH_TOKEN"
    path = environment.get("RAY_AUTH_TOKEN_PATH")
    if path:
        return "RAY_AUTH_TOKEN_PATH" if Path(path).is_file() else ""
    return "~/.ray/auth_token" if os.path.isfile(os.path.expanduser("~/.ray/auth_token")) else ""


def token_mode(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Ray is set to ask for a token."""
    return environment.get("RAY_AUTH_MODE", "").lower() == "token"


def credential_source() -> str:
    """Which provider of the AWS chain has credentials here; empty where none has. May ask the instance's metadata."""
    # boto3 takes a third of a second to import, and only this check and S3 itself need it.
    from boto3.session import Session  # noqa: PLC0415

    found = Session().get_credentials()
    return _METHODS.get(found.method, found.method) if found is not None else ""
