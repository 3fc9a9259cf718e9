"""The stage: whose word on the place counts, what is told to whom, and what it does without a studio."""

import threading
from dataclasses import dataclass

import pytest

from core.audio.listen.stage import Command, Heard, Stage, State

SONG = State(title="Paper boats", take="t1", seconds=60.0)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stage(clock: Clock) -> Stage:
    return Stage(SONG, clock=clock)


def told(stage: Stage) -> list[State]:
    states: list[State] = []
    stage.subscribe(states.append)
    return states


def hear(stage: Stage, place: float, tab: str = "one", **facts: bool) -> None:
    """A report of a tab that has taken in what there is."""
    stage.report(
        tab, Heard(place, **{"playing": stage.state.playing, **facts}, revision=stage.state.revision)
    )


def test_every_change_has_a_higher_revision_and_is_told_once_until_one_leaves(stage: Stage) -> None:
    states: list[State] = []
    leave = stage.subscribe(states.append)
    first = stage.state.revision
    assert stage.change(volume=0.5) == states[0] == stage.state
    stage.change(volume=0.25)
    leave()
    leave()
    stage.change(volume=0.1)
    assert [state.volume for state in states] == [0.5, 0.25]
    assert first < states[0].revision < states[1].revision < stage.state.revision


def test_a_later_stage_has_higher_revisions_than_the_tabs_of_an_earlier_one_know(stage: Stage) -> None:
    for volume in range(20):
        stage.change(volume=volume / 20)
    threading.Event().wait(0.03)
    assert Stage().state.revision > stage.state.revision


def test_the_clock_stands_until_somebody_hears_it(stage: Stage, clock: Clock) -> None:
    stage.change(playing=True)
    clock.now += 30
    assert stage.position() == 0.0
    with stage.attending("one"):
        hear(stage, 0.0, playing=False, blocked=True)
        clock.now += 30
        assert (stage.position(), stage.state.lead) == (0.0, "")
        hear(stage, 0.0)
        clock.now += 2
        assert (stage.position(), stage.state.lead) == (2.0, "one")
    clock.now += 2
    assert stage.position() == 2.0


def test_a_pressed_key_is_followed_before_the_tab_has_said_so(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        hear(stage, 0.0)
        stage.change(playing=True)
        clock.now += 1
        assert stage.position() == 1.0
        stage.change(place=40.0)
        clock.now += 1
        stage.report("one", Heard(2.0, playing=True, revision=stage.state.revision - 1))
        assert stage.position() == 41.0
        hear(stage, 41.05)
        assert stage.position() == pytest.approx(41.05)
        stage.change(playing=False)
        clock.now += 5
        assert stage.position() == pytest.approx(41.05)


def test_small_drift_is_taken_in_and_a_stall_is_told_to_all(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        hear(stage, 0.0)
        states = told(stage)
        clock.now += 1
        hear(stage, 0.95)
        assert stage.position() == pytest.approx(0.95)
        assert states == []
        clock.now += 1
        hear(stage, 1.2)
        assert [state.place for state in states] == [1.2]
        hear(stage, 1.3, playing=False, waiting=True)
        clock.now += 4
        assert stage.position() == states[-1].place == 1.3
        hear(stage, 1.3)
        clock.now += 1
        assert (len(states), stage.position()) == (3, 2.3)


def test_telling_all_of_a_stall_does_not_make_older_reports_void(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        known = stage.state.revision
        for place in (0.0, 0.5, 1.0):
            stage.report("one", Heard(place, playing=True, revision=known))
            clock.now += 1
        assert stage.position() == 2.0


def test_one_tab_leads_until_it_goes_or_is_blocked(stage: Stage) -> None:
    with stage.attending("two"):
        with stage.attending("one"):
            hear(stage, 0.0, "two", playing=False, blocked=True)
            hear(stage, 0.0, "one", playing=False)
            stage.change(playing=True)
            hear(stage, 10.0, "one")
            hear(stage, 50.0, "two")
            assert [tab.name for tab in stage.tabs()] == ["two", "one"]
            assert (stage.state.lead, stage.position()) == ("one", 10.0)
        assert stage.state.lead == "two"
        hear(stage, 11.0, "two")
        hear(stage, 5.0, "three", playing=False)
        hear(stage, 5.0, "four")
        hear(stage, 11.0, "two", playing=False, blocked=True)
        assert (stage.state.lead, stage.position()) == ("four", 11.0)
    assert [tab.name for tab in stage.tabs()] == ["three", "four"]
    assert stage.was_visited


def test_a_tab_that_says_nothing_is_not_followed_for_ever(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        hear(stage, 10.0)
        clock.now += 3600  # the machine slept
        assert stage.position() == 15.0
        hear(stage, 10.4)
        assert stage.position() == 10.4


def test_a_tab_that_sleeps_leaves_the_lead_to_one_that_is_awake(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"), stage.attending("two"):
        stage.change(playing=True)
        hear(stage, 10.0)
        hear(stage, 10.0, "two")
        assert stage.state.lead == "one"
        for second in range(1, 11):  # the lid of the first is closed, its link stands
            clock.now += 1
            hear(stage, 10.0 + second, "two")
            assert stage.position() == pytest.approx(10.0 + second)
        assert stage.state.lead == "two"
        assert [(tab.name, tab.is_silent) for tab in stage.tabs()] == [("one", True), ("two", False)]
        hear(stage, 10.2)  # the lid is open again
        assert (stage.state.lead, stage.position()) == ("two", 20.0)


def test_the_clock_stands_once_the_only_tab_sleeps_whatever_is_pressed(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        hear(stage, 10.0)
        clock.now += 30
        assert stage.position() == 15.0
        stage.change(volume=0.5)
        clock.now += 30
        assert stage.position() == 15.0
        stage.change(place=40.0)
        clock.now += 30
        assert stage.position() == 40.0
        hear(stage, 40.0)
        clock.now += 1
        assert stage.position() == 41.0


def test_the_clock_does_not_go_back_when_a_tab_that_led_without_a_stream_is_gone(
    stage: Stage, clock: Clock
) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        hear(stage, 10.0, "two")
        clock.now += 30
        assert [tab.name for tab in stage.tabs()] == ["one"]
        assert stage.position() == 15.0
        hear(stage, 15.0, "one", playing=False, blocked=True)
        assert (stage.state.lead, stage.position()) == ("", 15.0)


def test_a_change_may_go_by_what_the_state_is_at_that_moment(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        hear(stage, 10.0)
        clock.now += 2
        before, states = stage.state, told(stage)
        assert stage.revise(lambda _: None) == before
        assert states == []
        moved = stage.revise(lambda state: {"place": state.place + 1})
        assert [moved] == states
        assert (moved.place, stage.position()) == (13.0, 13.0)


def test_a_report_without_a_stream_counts_for_a_while(stage: Stage, clock: Clock) -> None:
    hear(stage, 0.0, playing=False)
    (tab,) = stage.tabs()
    assert (tab.name, tab.heard is not None, tab.age) == ("one", True, 0.0)
    clock.now += 6
    assert stage.tabs() == ()


def test_a_stream_that_comes_again_before_the_old_one_ends_is_one_tab(stage: Stage) -> None:
    with stage.attending("one"):
        with stage.attending("one"):
            assert len(stage.tabs()) == 1
        assert len(stage.tabs()) == 1


def test_a_report_that_says_when_is_brought_up_to_now(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True)
        for at, place in ((clock.now - 0.3, 10.3), (clock.now + 50, 10.0), (clock.now - 50, 10.0)):
            stage.report("one", Heard(10.0, playing=True, revision=stage.state.revision, at=at))
            assert stage.position() == pytest.approx(place)


def test_the_place_stays_within_the_take_and_goes_round(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True, place=58.0)
        hear(stage, 58.0)
        clock.now += 4
        assert stage.position() == 60.0
        stage.change(loop=(10.0, 20.0), place=19.0)
        hear(stage, 19.0)
        clock.now += 3
        assert stage.position() == 12.0
        stage.change(place=30.0)  # past what goes round
        clock.now += 1
        assert stage.position() == 31.0


def test_what_grows_goes_on_from_its_end_without_a_jump(stage: Stage, clock: Clock) -> None:
    with stage.attending("one"):
        stage.change(playing=True, grows=True, seconds=5.0, place=4.0)
        hear(stage, 4.0)
        clock.now += 4
        stage.change(seconds=9.0)
        assert stage.position() == 5.0
        clock.now += 1
        assert stage.position() == 6.0


def test_the_end_ends_the_playing_but_not_of_what_grows_or_goes_round(stage: Stage) -> None:
    with stage.attending("one"):
        stage.change(playing=True, grows=True)
        hear(stage, 60.0, playing=False, ended=True)
        stage.change(grows=False, loop=(0.0, 60.0))
        hear(stage, 60.0, playing=False, ended=True)
        assert stage.state.playing
        stage.change(loop=None)
        states = told(stage)
        hear(stage, 60.0, playing=False, ended=True)
        assert [(state.playing, state.place) for state in states] == [(False, 60.0)]
        stage.obey(Command("play"))
        assert (stage.state.playing, stage.state.place) == (True, 0.0)
        hear(stage, 0.0, playing=False)
        assert stage.state.playing


def test_without_a_driver_the_stage_obeys(stage: Stage) -> None:
    for command, field, value in (
        (Command("toggle"), "playing", True),
        (Command("pause"), "playing", False),
        (Command("play"), "playing", True),
        (Command("seek", place=31.5), "place", 31.5),
        (Command("seek", place=-2.0), "place", 0.0),
        (Command("seek", place=1e9), "place", 60.0),
        (Command("stem", stem="vocal"), "stem", "vocal"),
        (Command("volume", volume=7.0), "volume", 1.0),
        (Command("volume", volume=0.25), "volume", 0.25),
        (Command("take", take="t2"), "take", "t2"),
    ):
        stage.ask(command)
        assert getattr(stage.state, field) == value
    assert stage.state.place == 0.0


@pytest.mark.parametrize(
    "command", [Command("seek"), Command("next"), Command("compare"), Command("mark", take="t1")]
)
def test_what_cannot_be_done_changes_nothing(stage: Stage, command: Command) -> None:
    before = stage.state
    stage.ask(command)
    assert stage.state == before


def test_a_and_b_are_marked_unmarked_and_heard_in_turns_at_one_place(stage: Stage) -> None:
    stage.ask(Command("mark", letter="a", take="t1"))
    stage.ask(Command("mark", letter="b", take="t2"))
    stage.change(place=20.0, gains={"t1": 0.5})
    stage.ask(Command("compare"))
    assert (stage.state.take, stage.state.gain, stage.state.place) == ("t2", 1.0, 20.0)
    stage.ask(Command("compare"))
    assert (stage.state.take, stage.state.gain, stage.state.place) == ("t1", 0.5, 20.0)
    stage.ask(Command("mark", letter="b", take="t1"))
    assert (stage.state.a, stage.state.b, dict(stage.state.gains)) == ("", "t1", {})
    stage.ask(Command("mark", letter="b", take="t1"))
    assert (stage.state.a, stage.state.b) == ("", "")


def test_a_driver_gets_commands_on_the_thread_that_brings_them(stage: Stage) -> None:
    brought: list[tuple[Command, int]] = []
    stage.drive(lambda command: brought.append((command, threading.get_ident())))
    before, command = stage.state, Command("play")
    thread = threading.Thread(target=stage.ask, args=(command,))
    thread.start()
    thread.join()
    assert stage.state == before
    assert brought == [(command, thread.ident)]
    stage.drive(None)
    stage.ask(command)
    assert stage.state.playing


def test_a_subscriber_may_ask_the_stage(stage: Stage) -> None:
    places: list[float] = []
    stage.subscribe(lambda _: places.append(stage.position()))
    stage.change(place=7.0)
    assert places == [7.0]


def test_changes_from_many_threads_are_all_kept(stage: Stage) -> None:
    states = told(stage)
    first = stage.state.revision

    def change() -> None:
        for _ in range(50):
            stage.change(volume=0.5)
            hear(stage, 1.0, threading.current_thread().name)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stage.state.revision == first + len(states)
    assert len({state.revision for state in states}) == len(states) >= 200
