"""Numbers as pages write them."""

from __future__ import annotations

import pytest

from core import figures
from core.pages import page_number

DEC_6 = 1_765_050_127_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.cents_text(540_000), "54.0¢"),
        (figures.cents_text(545_500), "54.55¢"),
        (figures.cents_text(None), "–"),
        (figures.tenths_text(304_712), "30.5¢"),
        (figures.money_text(1_234_500_000), "$1,234.50"),
        (figures.gain_text(12_300_000), "+$12.30"),
        (figures.gain_text(-70_000), "−$0.07"),
        (figures.gain_text(0), "$0.00"),
        (figures.quantity_text(1_240_000_000), "1,240.00"),
        (figures.short_quantity_text(85_500_000), "85.5"),
        (figures.short_quantity_text(1_000_000_000_000), "1.00M"),
        (figures.short_quantity_text(12_400_000_000), "12.4k"),
        (figures.ratio_text(520_000), "0.52"),
        (figures.percent_text(545_000), "54 %"),
        (figures.span_text(45), "45 s"),
        (figures.span_text(725), "12 min 05 s"),
        (figures.span_text(12_000), "3 h 20 min"),
        (figures.time_text(DEC_6), "19:42:07"),
        (figures.moment_text(DEC_6), "6 Dec 19:42:07"),
        (figures.start_text(DEC_6), "Sat 6 Dec, 19:42"),
        (figures.moment_text(None), "–"),
    ],
)
def test_a_number_is_written_for_people(text, expected):
    assert text == expected


@pytest.mark.parametrize(("asked", "number"), [("3", 3), ("0", 1), ("-2", 1), ("x", 1), ("²", 1), ("99999", 1_000)])
def test_any_page_number_is_a_page(asked, number):
    assert page_number({"page": asked}) == number
