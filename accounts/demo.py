"""The user of the embedded run: made at the first start with a password of its own, kept in the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

from accounts.selectors import user_by_email
from accounts.services import user_register
from core.keys import load_or_create_secret

DEMO_EMAIL = "demo@courtside.local"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    email: str
    password: str


def ensure_demo_login(data_dir: Path) -> DemoLogin:
    """The demo user with back-office rights on this machine; the password in `demo.password` always opens it."""
    password = load_or_create_secret(data_dir / "demo.password", secret=token_urlsafe(12))
    user = user_by_email(DEMO_EMAIL) or user_register(email=DEMO_EMAIL, password=password, display_name="Demo")
    if not (user.is_staff and user.is_superuser and user.check_password(password)):
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
    return DemoLogin(DEMO_EMAIL, password)
