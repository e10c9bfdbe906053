"""Forms of the strategy's settings. They read and check what a person typed; saving is the service's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from core.money import from_decimal, plain_text
from trading.domain.segments import regulation_segments
from trading.models import SportConfig

PERCENT_FIELDS = (
    "entry_threshold_pct",
    "min_pregame_probability",
    "take_profit_pct",
    "stop_loss_pct",
    "kelly_fraction",
    "min_entry_confidence_score",
    "keep_partial_pct",
    "loss_streak_step_pct",
    "loss_streak_floor_pct",
)
USD_FIELDS = (
    "absolute_entry_price_usd",
    "default_position_size_usd",
    "max_spread_usd",
    "min_depth_usd",
    "slippage_cap_usd",
)
_HUNDRED = Decimal(100)


class PlainDecimalField(forms.DecimalField):
    """Shown without the zeros that the column keeps: 0.50, not 0.500000."""

    def prepare_value(self, value: Any) -> Any:
        return plain_text(from_decimal(value)) if isinstance(value, Decimal) else value


class PercentField(forms.DecimalField):
    """Typed and shown as percent (15), kept as a share (0.15)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=100, max_digits=7, decimal_places=4, **options)

    def prepare_value(self, value: Any) -> Any:
        return f"{(value * _HUNDRED).normalize():f}" if isinstance(value, Decimal) else value

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        return None if typed is None else typed / _HUNDRED


if TYPE_CHECKING:
    ConfigForm = forms.ModelForm[SportConfig]
else:
    ConfigForm = forms.ModelForm


class SportConfigForm(ConfigForm):
    """One league's settings with the version they were read at."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    entry_threshold_pct = PercentField(label="Drop from the pregame price", help_text="Percent of the pregame price.")
    min_pregame_probability = PercentField(label="Lowest pregame chance", help_text="Percent; 0 takes any underdog.")
    take_profit_pct = PercentField(label="Take profit", help_text="Percent of the entry price, after the exit fee.")
    stop_loss_pct = PercentField(label="Stop loss", help_text="Percent of the entry price, after the exit fee.")
    kelly_fraction = PercentField(label="Kelly fraction", help_text="Percent of the full Kelly stake.")
    min_entry_confidence_score = PercentField(label="Least confidence", help_text="Percent; weaker entries are left.")
    keep_partial_pct = PercentField(
        label="Keep a part from", help_text="Percent of the entry; when less was filled, that part is sold again."
    )
    loss_streak_step_pct = PercentField(
        label="Less after a loss", help_text="Percent of the stake, for each loss in a row; 0 stakes the same."
    )
    loss_streak_floor_pct = PercentField(
        label="But never below", help_text="Percent of the stake that is left after many losses."
    )
    allowed_entry_segments = forms.MultipleChoiceField(
        label="Parts of the game to enter in",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all but the last.",
    )

    class Meta:
        model = SportConfig
        field_classes: ClassVar = dict.fromkeys(USD_FIELDS, PlainDecimalField)
        fields: ClassVar = [
            "is_enabled",
            "auto_trade",
            "entry_threshold_pct",
            "absolute_entry_price_usd",
            "min_pregame_probability",
            "allow_late_baseline",
            "min_entry_confidence_score",
            "allowed_entry_segments",
            "min_time_remaining_s",
            "take_profit_pct",
            "stop_loss_pct",
            "exit_before_segment",
            "default_position_size_usd",
            "max_positions_per_game",
            "use_kelly_sizing",
            "kelly_fraction",
            "max_spread_usd",
            "min_depth_usd",
            "slippage_cap_usd",
            "confirm_within_s",
            "keep_partial_pct",
            "loss_streak_step_pct",
            "loss_streak_floor_pct",
        ]
        labels: ClassVar = {
            "is_enabled": "Trade this league",
            "auto_trade": "Act without asking",
            "absolute_entry_price_usd": "Or price at or below",
            "allow_late_baseline": "Use a price taken after the start",
            "min_time_remaining_s": "Least time left",
            "exit_before_segment": "Leave before a part that is not ticked",
            "default_position_size_usd": "Position size",
            "max_positions_per_game": "Positions per game",
            "use_kelly_sizing": "Size by Kelly",
            "max_spread_usd": "Widest spread",
            "min_depth_usd": "Least money on offer",
            "slippage_cap_usd": "Slippage cap",
            "confirm_within_s": "Cancel when not filled after",
        }
        help_texts: ClassVar = {
            "auto_trade": "Off: it only proposes.",
            "absolute_entry_price_usd": "USD per contract, 0 to 1.",
            "min_time_remaining_s": "Seconds of regulation.",
            "default_position_size_usd": "USD.",
            "max_spread_usd": "USD per contract between bid and ask.",
            "min_depth_usd": "USD within the slippage cap.",
            "slippage_cap_usd": "USD per contract beyond the best price.",
            "confirm_within_s": "Seconds.",
        }

    # The form's groups, in the order of the page.
    GROUPS: ClassVar[Mapping[str, Sequence[str]]] = {
        "Switches": ("is_enabled", "auto_trade"),
        "When to enter": (
            "entry_threshold_pct",
            "absolute_entry_price_usd",
            "min_pregame_probability",
            "min_entry_confidence_score",
            "min_time_remaining_s",
            "allow_late_baseline",
            "allowed_entry_segments",
        ),
        "When to leave": ("take_profit_pct", "stop_loss_pct", "exit_before_segment"),
        "How much": (
            "default_position_size_usd",
            "max_positions_per_game",
            "use_kelly_sizing",
            "kelly_fraction",
            "loss_streak_step_pct",
            "loss_streak_floor_pct",
        ),
        "The book it needs": ("max_spread_usd", "min_depth_usd", "slippage_cap_usd"),
        "Orders": ("confirm_within_s", "keep_partial_pct"),
    }

    def __init__(self, *args: Any, league: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_outdated = False
        self.initial["version"] = self.instance.version
        for name in PERCENT_FIELDS:
            self.initial[name] = getattr(self.instance, name)
        segments = regulation_segments(league)
        self.fields["allowed_entry_segments"].choices = [(one, one.replace("_", " ")) for one in segments]  # type: ignore[attr-defined]

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS.items()]

    def changes(self) -> dict[str, Any]:
        """What the service is given."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    def outdated(self, message: str) -> None:
        self.is_outdated = True
        self.add_error(None, message)

    def refused(self, fields: Mapping[str, Sequence[str]] | Sequence[str], message: str) -> None:
        """What the service says of single fields, at those fields; the rest above the form."""
        told = fields if isinstance(fields, Mapping) else {}
        for name, problems in told.items():
            self.add_error(name if name in self.fields else None, list(problems))
        if not told:
            self.add_error(None, message)


class SportSwitchForm(forms.Form):
    is_enabled = forms.BooleanField(required=False)
