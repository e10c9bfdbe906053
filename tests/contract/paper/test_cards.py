"""The contract cards that a paper account can be dealt.

Left out: 16 (there is no connection to lose), 23 to 25 (the feed is the venue's own, and a paper order is not in its
book), 28 (nobody at the venue can hit what is not there; `tests/venues/paper` has prints and books do it).
"""

from __future__ import annotations

from tests.contract.test_holdings import (  # noqa: F401
    test_17_what_was_bought_is_held,
    test_18_what_was_sold_again_is_gone_and_its_cash_is_there,
    test_19_both_outcomes_are_held_apart_or_become_a_dollar,
    test_20_a_fill_is_told_under_one_name_for_ever,
    test_21_a_fill_becomes_final,
    test_22_fills_before_a_moment_are_not_told_again,
)
from tests.contract.test_orders import (  # noqa: F401
    test_01_a_resting_order_is_read_back_as_it_was_placed,
    test_02_an_order_is_found_by_its_id_and_an_unknown_one_is_not,
    test_03_an_order_whose_answer_was_lost_is_found_without_it,
    test_04_a_cancel_takes_the_order_off_and_frees_its_money,
    test_05_a_second_cancel_says_that_there_is_nothing_to_cancel,
    test_06_cancel_all_leaves_nothing_open,
    test_07_an_order_that_takes_is_filled_as_the_venue_booked_it,
    test_08_what_an_immediate_order_cannot_take_is_canceled,
    test_09_an_immediate_order_that_takes_nothing_leaves_nothing,
    test_10_the_same_request_gives_the_same_bytes_and_the_same_id,
    test_11_the_same_bytes_sent_twice_are_one_order_and_no_refusal,
    test_12_what_is_off_the_grid_is_refused_before_any_send,
    test_13_money_that_is_not_there_is_a_definitive_refusal,
    test_14_an_order_good_till_a_date_is_gone_after_it,
    test_15_post_only_never_takes,
)
from tests.contract.test_streams import (  # noqa: F401
    test_26_the_private_stream_tells_an_order_from_its_opening_to_its_cancel,
    test_27_the_private_stream_tells_the_fills_that_a_read_tells,
)
