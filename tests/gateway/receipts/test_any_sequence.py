"""Whatever is lost, refused, repeated, raced or killed, money is taken for paid receipts only.

The method: a scripted merchant and acquirer around a real store; Hypothesis chooses what the network does
to each call, who pays what when, and at which commits and calls the process dies. Then the worker recovers,
and everything must agree.
"""

from hypothesis import HealthCheck, given, settings

from helpers_scenarios import Scenario, run_scenario, scenarios


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios)
def test_any_sequence_keeps_the_money_right(scenario: Scenario) -> None:
    run_scenario(scenario)
