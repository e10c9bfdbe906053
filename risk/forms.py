"""Forms of the risk page (a reason for a halt or its end, the limits of one account), and the operator's of a halt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from core.models import choices_of
from core.money import from_decimal, to_decimal
from risk.models import AccountLimits, HaltScope

MOST_USD = Decimal(1_000_000)


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Reason", max_length=200)


class HaltForm(ReasonForm):
    flatten = forms.BooleanField(
        label="Sell what is held, too", required=False, help_text="Within the slippage cap; what nobody bids for stays."
    )


class ScopeHaltForm(forms.Form):
    """The back office's: any scope, whether it was ever halted or not."""

    scope = forms.ChoiceField(
        choices=choices_of(HaltScope), initial=HaltScope.ACCOUNT.value, widget=UnfoldAdminSelectWidget
    )
    key = forms.CharField(
        required=False,
        max_length=160,
        widget=UnfoldAdminTextInputWidget,
        help_text="A venue, a strategy, an account's uid; a user, game or market by name or uid. Global has none.",
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)
    flatten = forms.BooleanField(
        label="Sell what is held, too", required=False, widget=UnfoldBooleanWidget, help_text="Within the slippage cap."
    )


class LimitsForm(forms.Form):
    """Money in USD, the share in percent; `limits()` gives what the service takes."""

    max_order_usd_u = forms.DecimalField(label="One order", help_text="USD", min_value=0, max_value=MOST_USD)
    max_position_usd_u = forms.DecimalField(label="One position", help_text="USD", min_value=0, max_value=MOST_USD)
    max_exposure_usd_u = forms.DecimalField(label="All exposure", help_text="USD", min_value=0, max_value=MOST_USD)
    max_daily_loss_usd_u = forms.DecimalField(label="Loss of a day", help_text="USD", min_value=0, max_value=MOST_USD)
    max_balance_share_u = forms.DecimalField(
        label="Cash in one order", help_text="Percent of the cash", min_value=0, max_value=100
    )
    max_open_orders = forms.IntegerField(label="Open orders", min_value=0, max_value=1_000)
    max_losses_in_a_row = forms.IntegerField(label="Losses in a row", min_value=1, max_value=1_000)

    MONEY: ClassVar = ("max_order_usd_u", "max_position_usd_u", "max_exposure_usd_u", "max_daily_loss_usd_u")
    SHARE: ClassVar = "max_balance_share_u"

    @classmethod
    def of(cls, row: AccountLimits, *, prefix: str) -> LimitsForm:
        """The form filled with what is stored."""
        initial = {name: getattr(row, name) for name in cls.base_fields}
        for name in cls.MONEY:
            initial[name] = _plain(to_decimal(initial[name]))
        initial[cls.SHARE] = _plain(to_decimal(initial[cls.SHARE]) * 100)
        return cls(initial=initial, prefix=prefix)

    def limits(self) -> dict[str, Any]:
        chosen = dict(self.cleaned_data)
        for name in self.MONEY:
            chosen[name] = from_decimal(chosen[name].quantize(Decimal("0.01")))
        chosen[self.SHARE] = int(chosen[self.SHARE] * 10_000)
        return chosen


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
