"""Who may order at all: PT-01 the state of trading, PT-02 the person and the account, PT-28 the running program."""

from __future__ import annotations

from risk.checks.values import Breach, ClaimSnapshot


def account_authorised(one: ClaimSnapshot) -> Breach | None:
    """PT-02: the account is switched on, its owner may trade and wants to; a halt that sells what is held does not ask
    what they want."""
    who = one.authority
    if not who.is_enabled:
        return Breach("account_disabled", "off", "on")
    if not who.is_user_active:
        return Breach("account_disabled", "user suspended", "active")
    is_way_out = who.must_flatten and one.ask.reduces
    return Breach("trader_stopped", "stopped", "running") if who.is_stopped and not is_way_out else None


def identity_proven(one: ClaimSnapshot) -> Breach | None:
    """PT-02 where money is real: a second factor and a credential that was not revoked."""
    who = one.authority
    if not who.needs_proof:
        return None
    if not who.has_second_factor:
        return Breach("mfa_required", "none", "a second factor")
    return None if who.has_credential else Breach("credential_missing", "none", "a credential")


def trading_armed(one: ClaimSnapshot) -> Breach | None:
    """PT-01: the strictest state of all scopes allows it. The lease is the claim's own question to the database."""
    who = one.authority
    if not who.allows_reducing:
        return Breach("halted", who.halt_state, "active")
    if not who.allows_entries and not one.ask.reduces:
        return Breach("reduce_only", who.halt_state, "active")
    return None


def build_allowed(one: ClaimSnapshot) -> Breach | None:
    """PT-28: this version with this configuration was released for trading. Positions may be closed by any."""
    if one.ask.reduces or one.authority.is_build_allowed:
        return None
    return Breach("build_not_allowed", one.authority.build, "a released build")
