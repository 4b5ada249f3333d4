"""What must be so after any fault: one function a rule, each yields what breaks it."""

from tests.faults.rules.answering import every_error_is_a_503_in_time, the_counters_equal_a_recount
from tests.faults.rules.placing import (
    every_accepted_order_is_there_as_sent,
    every_row_was_asked_for,
)
from tests.faults.rules.working_off import (
    every_completed_order_was_handled,
    every_end_is_as_the_script_has_it,
    every_order_reaches_its_end,
    every_transition_is_counted_once,
)

RULES = (
    every_accepted_order_is_there_as_sent,
    every_row_was_asked_for,
    every_order_reaches_its_end,
    every_transition_is_counted_once,
    every_completed_order_was_handled,
    the_counters_equal_a_recount,
    every_error_is_a_503_in_time,
    every_end_is_as_the_script_has_it,
)
