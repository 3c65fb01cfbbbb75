"""The twelve rules of fleet.yaml, as far as they concern the file. Each test names its rule."""

from __future__ import annotations

import pytest

from builders.fleetfile import FULL, NOW, fleet, model, one_model, only_problem, paths, problems
from tidepool.config.load import load
from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Hosting, RouteConfig, Rung, Schedule, Via
from tidepool.errors import BadFleetFile

# --- Rule 1: intent, not inventory


@pytest.mark.parametrize("field", ["copies: 5", "instances: 2", "components: [a]", "endpoint: e", "cooldown: 5m"])
def test_rule_1_what_is_read_or_decided_cannot_be_written_and_the_hint_says_why(field: str) -> None:
    refused = only_problem(one_model(field))
    assert refused.path == f"models.m.{field.split(':', maxsplit=1)[0]}"
    assert refused.hint


def test_rule_1_a_model_that_nothing_names_has_defaults_and_is_never_touched() -> None:
    found = model_config(load(fleet("act: run", "models: {m: {}}")), "another")
    assert (found.name, found.matched, found.act, found.class_name) == ("another", "", Rung.WATCH, "standard")


def test_rule_1_a_pool_is_found_by_its_endpoint_and_never_invented() -> None:
    config = load(FULL)
    assert pool_of_endpoint(config, "shared-p5en-prod") is config.pools["p5en"]
    assert pool_of_endpoint(config, "some-endpoint") is None


# --- Rule 2: three levels, most specific wins

LEVELS = """
schema: 1
pools: {p4d: {}}
classes: {background: {attain: 97%, priority: 4}}
models:
  "a-*": {class: background, priority: 5, max_copies: 3}
  a-one: {max_copies: 9}
  "*": {class: interactive, owner: all@example.com}
  "a-two*": {max_copies: 4}
"""


def test_rule_2_exact_over_glob_over_class_over_default_field_by_field() -> None:
    one = model_config(load(LEVELS), "a-one")
    assert (one.max_copies, one.priority, one.attain, one.start_within_s) == (9, 5, 0.97, 600)


def test_rule_2_among_globs_the_longest_literal_prefix_wins_alone() -> None:
    config = load(LEVELS)
    two = model_config(config, "a-two-b")
    assert (two.matched, two.max_copies, two.class_name, two.owner) == ("a-two*", 4, "standard", "")
    assert model_config(config, "a-three").matched == "a-*"
    assert model_config(config, "b").owner == "all@example.com"


def test_rule_2_a_tie_between_globs_is_refused_and_names_both_lines() -> None:
    refused = only_problem(fleet("models:", '  "*-prod": {}', '  "x": {}', '  "*": {}'))
    assert refused.line == 6
    assert "lines 4 and 6" in refused.hint


def test_rule_2_globs_with_one_prefix_that_never_meet_are_no_tie() -> None:
    assert problems(fleet("models:", '  "a-*-prod": {}', '  "a-*-dev": {}', '  "a-?": {}')) == ()


# --- Rule 3: the ladder


def test_rule_3_the_rungs_are_in_order_and_the_file_stands_on_the_lowest_by_default() -> None:
    assert [rung.name.lower() for rung in sorted(Rung)] == ["watch", "raise", "scale", "size", "ask", "run"]
    config = load(fleet("models: {m: {}, n: {act: raise}}"))
    assert (config.act, config.names["m"].act, config.names["n"].act) == (Rung.WATCH, Rung.WATCH, Rung.RAISE)


def test_rule_3_a_model_without_a_rung_takes_the_files_and_a_pool_binds_nothing_unless_it_says_so() -> None:
    config = load(fleet("act: size", "models: {m: {}}", pools="a: {act: raise}, b: {}"))
    assert config.names["m"].act is Rung.SIZE
    assert (config.pools["a"].act, config.pools["b"].act) == (Rung.RAISE, Rung.RUN)


def test_rule_3_an_unknown_rung_is_refused_with_the_whole_ladder() -> None:
    refused = only_problem(one_model("act: scales"))
    assert refused.allowed == "watch < raise < scale < size < ask < run"
    assert refused.hint == "did you mean scale?"


# --- Rule 4: holds end


@pytest.mark.parametrize(
    "fields", ["hold: {until: 2026-11-20}", "hold: {why: audit}", 'hold: {until: 2026-11-20, why: ""}']
)
def test_rule_4_a_hold_needs_an_end_and_a_reason(fields: str) -> None:
    assert len(problems(one_model(fields))) == 1


def test_rule_4_a_hold_lasts_at_most_30_days_from_the_moment_it_is_judged() -> None:
    assert problems(one_model("hold: {until: 2026-12-18, why: audit}")) == ()
    assert only_problem(one_model("hold: {until: 2026-12-19, why: audit}")).path == "models.m.hold.until"
    assert only_problem(fleet(pools="p: {hold: {until: 2027-12-18, why: audit}}")).path == "pools.p.hold.until"
    assert problems(one_model("hold: {until: 2027-12-19, why: audit}"), now=None) == ()


def test_rule_4_a_hold_until_a_date_lasts_through_that_day_in_the_files_zone() -> None:
    held = model("hold: {until: 2026-12-01, why: audit}", "timezone: America/Los_Angeles").hold
    assert held is not None
    assert held.until == 1_796_198_400  # 2026-12-02 08:00 UTC, midnight in Los Angeles
    to_the_minute = model('hold: {until: "2026-12-01 12:00", why: audit}').hold
    assert to_the_minute is not None
    assert to_the_minute.until == 1_796_126_400


def test_rule_4_a_reservation_until_a_date_counts_until_that_day_begins() -> None:
    config = load(fleet(pools="a: {reserved: {instances: 2, until: 2027-03-31, then: b}}, b: {}"))
    reserved = config.pools["a"].reserved
    assert reserved is not None
    assert (reserved.instances, reserved.until, reserved.then) == (2, 1_806_451_200, "b")


# --- Rule 5: emergencies are not commits


@pytest.mark.parametrize("line", ["hold: {until: 2026-12-01, why: x}", "surge: 2x", "freeze: true"])
def test_rule_5_the_file_cannot_hold_freeze_or_surge_the_fleet(line: str) -> None:
    assert paths(problems(fleet(line))) == [line.split(":", maxsplit=1)[0]]


# --- Rule 6: the file alone decides, offline


def test_rule_6_the_same_text_gives_the_same_config() -> None:
    assert load(FULL, now=NOW) == load(FULL, now=NOW) == load(FULL.encode())


# --- Rule 7: one refusal, all problems

MANY = """
schema: 1
regoin: us-east-1
timezone: America/Los_Angles
act: watch
pools:
  p4d: {bounds: sometimes, zone: 2}
models:
  a: {class: interactiv, host: p4, attain: 99.9}
  b: {schedule: [{days: Mon-Fry, from: 07:45, to: "18:00", min_copies: 8}, {days: Mon, from: "08:00", to: "08:00"}]}
  "*": {min_copies: 4, max_copies: 3}
"""


def test_rule_7_every_problem_is_found_at_once_with_its_line_in_the_files_order() -> None:
    found = problems(MANY)
    assert [(p.line, p.path) for p in found] == [
        (3, "regoin"),
        (4, "timezone"),
        (7, "pools.p4d.bounds"),
        (7, "pools.p4d.zone"),
        (9, "models.a.attain"),
        (9, "models.a.class"),
        (9, "models.a.host"),
        (10, "models.b.schedule[0].days"),
        (10, "models.b.schedule[0].from"),
        (10, "models.b.schedule[1]"),
        (10, "models.b.schedule[1]"),
        (11, 'models."*".min_copies'),
    ]
    assert all(p.allowed for p in found)


def test_rule_7_an_unknown_key_or_word_comes_with_the_nearest_one() -> None:
    hints = {p.path: p.hint for p in problems(MANY)}
    assert hints["regoin"] == "did you mean region?"
    assert hints["timezone"] == "did you mean America/Los_Angeles?"
    assert hints["pools.p4d.zone"] == "did you mean zones?"
    assert hints["models.a.class"] == "did you mean interactive?"
    assert hints["models.a.host"] == "did you mean p4d?"
    assert hints["models.a.attain"] == "write 99.9%"


def test_rule_7_the_message_counts_the_problems_and_says_that_nothing_changed() -> None:
    first = r"fleet\.yaml: 12 problems, nothing was changed\n  line 3: regoin: 'us-east-1' is not allowed"
    with pytest.raises(BadFleetFile, match=first):
        load(MANY)


# --- Rule 8: YAML without surprises (see also test_yaml_source.py)


def test_rule_8_durations_shares_and_factors_have_one_notation_each() -> None:
    one = model("start_within: 90s, attain: 99.5%, zero: {after: 6h}, class: background, longest_request: 2m")
    assert (one.start_within_s, one.attain, one.zero_after_s, one.longest_request_s) == (90, 0.995, 21_600, 120)


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("start_within: 90", "write the unit: 90s, 90m, 90h or 90d"),
        ("attain: 0.995", "write 99.5%"),
        ("attain: 99.5", "write 99.5%"),
        ('schedule: [{days: Mon, from: "08:00", to: "09:00", expect: 1.6}]', "write 1.6x"),
        ("start_within: 1h30m", ""),
        ("attain: 100%", ""),
        ("min_copies: 2.5", ""),
        ("min_copies: '2'", ""),
        ("priority: true", ""),
    ],
)
def test_rule_8_another_notation_is_refused_with_the_right_one(field: str, hint: str) -> None:
    assert only_problem(one_model(field)).hint == hint


def test_rule_8_there_are_at_most_2000_models() -> None:
    lines = ["models:", *(f"  m-{i}: {{}}" for i in range(2000))]
    assert problems(fleet(*lines)) == ()
    assert only_problem(fleet(*lines, "  m-2000: {}")).path == "models"


def test_rule_8_there_are_at_most_200_globs() -> None:
    lines = ["models:", *(f'  "m-{i}-*": {{}}' for i in range(200))]
    assert problems(fleet(*lines)) == ()
    assert only_problem(fleet(*lines, '  "n*": {}')).value == "201 globs"


# --- Rule 9: schedules


def test_rule_9_a_schedule_is_a_floor_or_an_expectation_on_days_or_on_a_date() -> None:
    week = 'days: "Mon,Wed", from: "07:45", to: "18:00", min_copies: 8'
    launch = 'date: 2026-12-08, from: "22:00", to: "02:00", expect: 1.6x, why: launch day'
    assert model(f"schedule: [{{{week}}}, {{{launch}}}]").schedule == (
        Schedule((0, 2), "", 465, 1080, min_copies=8),
        Schedule((), "2026-12-08", 1320, 120, expect=1.6, why="launch day"),
    )


@pytest.mark.parametrize(
    "line",
    [
        'from: "07:45", to: "18:00", min_copies: 8',
        'days: Mon, date: 2026-12-08, from: "07:45", to: "18:00", min_copies: 8',
        'days: Mon, from: "07:45", to: "18:00"',
        'days: Mon, from: "07:45", to: "07:45", min_copies: 8',
        'days: Mon, from: "07:45", to: "18:00", expect: 0.5x',
        'date: 2026-02-30, from: "07:45", to: "18:00", min_copies: 8',
        'days: Mon, from: "7:45", to: "18:00", min_copies: 8',
    ],
)
def test_rule_9_a_line_that_asks_for_nothing_at_no_time_or_lowers_is_refused(line: str) -> None:
    only_problem(one_model(f"schedule: [{{{line}}}]"))


def test_rule_9_a_scheduled_floor_above_the_ceiling_is_refused_on_its_line() -> None:
    lines = ['  m: {max_copies: 4, schedule: [{days: Mon, from: "08:00", to: "09:00", min_copies: 5}]}']
    assert only_problem(fleet("models:", *lines)).path == "models.m.schedule[0]"


# --- Rule 10: routes


@pytest.mark.parametrize(
    ("route", "typed"),
    [
        ("none", RouteConfig()),
        ("{via: none}", RouteConfig()),
        ("{via: table}", RouteConfig(Via.TABLE)),
        ("{via: ssm}", RouteConfig(Via.TABLE)),
        ("{via: gateway}", RouteConfig(Via.GATEWAY, ack_s=120)),
        ("{via: gateway, ack: 90s}", RouteConfig(Via.GATEWAY, ack_s=90)),
        ("{via: inference-router, router: r, target: t}", RouteConfig(Via.ROUTER, router="r", target="t")),
    ],
)
def test_rule_10_each_way_of_routing_has_its_own_fields(route: str, typed: RouteConfig) -> None:
    assert model(f"route: {route}").route == typed


@pytest.mark.parametrize(
    "route",
    ["{via: dns}", "{via: table, ack: 90s}", "{via: table, router: r}", "{via: inference-router, router: r}", "table"],
)
def test_rule_10_a_field_of_another_way_is_refused(route: str) -> None:
    only_problem(one_model(f"route: {route}"))


def test_rule_10_an_inference_router_is_refused_for_streams() -> None:
    route = "route: {via: inference-router, router: r, target: t}"
    assert only_problem(one_model(f"{route}, stream: true")).path == "models.m.stream"


def test_rule_10_nothing_sleeps_behind_an_inference_router() -> None:
    route = "route: {via: inference-router, router: r, target: t}"
    for least in ("class: background", "class: background, min_copies: 0", "class: background, zero: never"):
        found = model(f"{least}, {route}")
        assert (found.min_copies, found.zero_after_s) == (1, None)
    assert only_problem(one_model(f"class: background, {route}, zero: {{after: 1h}}")).path == "models.m.zero"


# --- Rule 11: never movable, by kind


def test_rule_11_whether_a_model_can_move_is_read_and_has_no_field() -> None:
    assert only_problem(one_model("movable: false")).path == "models.m.movable"


# --- Rule 12: no secrets, no payloads


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_TOKEN", "x"),
        ("DB_PASSWORD", "x"),
        ("openai_api_key", "x"),
        ("SETTING", "hf_abcdefghijklmnopqrst"),
        ("SETTING", "AKIAIOSFODNN7EXAMPLE"),
        ("SETTING", "https://user:pass@example.com/model"),
    ],
)
def test_rule_12_an_env_entry_that_looks_like_a_secret_is_refused_and_not_repeated(name: str, value: str) -> None:
    refused = only_problem(one_model(f'shapes: {{shared: {{ml.g5.xlarge: {{env: {{{name}: "{value}"}}}}}}}}'))
    assert name in refused.allowed
    assert "put it in the model" in refused.hint
    assert value not in str(refused) or value == "x"


def test_rule_12_settings_that_only_sound_like_secrets_are_allowed() -> None:
    env = 'OPTION_MAX_ROLLING_BATCH_PREFILL_TOKENS: "8192", TOKENIZERS_PARALLELISM: "false"'
    shape = model(f"shapes: {{shared: {{ml.g5.xlarge: {{env: {{{env}}}}}}}}}").shape(Hosting.SHARED, "ml.g5.xlarge")
    assert shape is not None
    assert shape.env["TOKENIZERS_PARALLELISM"] == "false"


def test_rule_12_an_env_value_is_quoted_text() -> None:
    assert only_problem(one_model("shapes: {shared: {ml.g5.xlarge: {env: {A: 1}}}}")).hint == 'write "1"'


@pytest.mark.parametrize(
    "callers",
    ["[]", "[app]", "['*']", "['arn:aws:sts::111122223333:assumed-role/app/me']", "['arn:aws:iam::1:role/x']"],
)
def test_callers_are_roles_and_users_of_iam_by_their_whole_arn(callers: str) -> None:
    arns = ("arn:aws:iam::111122223333:role/team/app", "arn:aws-us-gov:iam::111122223333:user/kim@example.com")
    assert model(f"callers: [{', '.join(arns)}]").callers == arns
    assert model("").callers == ()
    only_problem(one_model(f"callers: {callers}"))


def test_a_model_has_at_most_twenty_callers() -> None:
    arns = [f"arn:aws:iam::111122223333:role/app-{n}" for n in range(21)]
    assert len(model(f"callers: [{', '.join(arns[:20])}]").callers) == 20
    only_problem(one_model(f"callers: [{', '.join(arns)}]"))


def test_rule_12_a_sample_is_a_pointer_to_s3() -> None:
    assert model("sample: s3://probes/a.json").sample == "s3://probes/a.json"
    only_problem(one_model('sample: \'{"inputs": "hello"}\''))


def test_host_memory_is_a_copys_and_a_whole_instance_names_none() -> None:
    shapes = "models: {{m: {{shapes: {{{}: {{ml.g5.xlarge: {{memory_mb: 2048}}}}}}}}}}"
    (shape,) = model_config(load(fleet(shapes.format("shared"))), "m").shapes
    assert shape.memory_mb == 2048
    refused = only_problem(fleet(shapes.format("dedicated")))
    assert refused.allowed == "only under shapes.shared"
