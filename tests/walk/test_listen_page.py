"""The page in a real browser: what the tab plays is what the studio plays, and the other way about."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.audio.listen.stage import State
from tests.walk.services import need, program

pytestmark = pytest.mark.system

_LONG = 80.0
"""Seconds of the takes: more than a browser fetches of itself."""
_ROUGHLY = 0.35
"""Seconds that a place may be off on a machine that does other things beside."""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    need("chromium")
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as started:
        yield started


def launch(playwright: Any, *switches: str) -> Any:
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", *switches]
    return playwright.chromium.launch(executable_path=program("chromium"), args=arguments)


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    browser = launch(playwright, "--autoplay-policy=no-user-gesture-required")
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.walk.tabs import STEMS, Folder, make_sound

    shelf = Folder(tmp_path_factory.mktemp("takes"))
    make_sound(shelf.file("one"), _LONG)
    for id_ in ("one", "two"):
        for stem in STEMS:
            if not shelf.file(id_, stem).exists():
                shelf.file(id_, stem).hardlink_to(shelf.file("one"))
        shelf.add(id_, seconds=_LONG)
    make_sound(shelf.file("short"), 6.0)
    shelf.add("short", ["mix"], seconds=6.0)
    return shelf


@pytest.fixture
def desk(shelf: Any, tmp_path: Path) -> Iterator[Any]:
    from tests.walk.tabs import Desk

    desk = Desk(shelf, tmp_path / "cache")
    yield desk
    desk.close()


@pytest.fixture
def tabs(browser: Any) -> Iterator[Any]:
    from tests.walk.tabs import Tabs

    with Tabs(browser) as tabs:
        yield tabs


def put_on(desk: Any, **fields: Any) -> None:
    desk.stage.change(**{"take": "one", "title": "Paper boats", "seconds": _LONG, **fields})


def test_the_studio_plays_the_tab_and_a_seek_fetches_only_from_there(desk: Any, tabs: Any) -> None:
    put_on(desk)
    tab = tabs.open(desk.url)
    assert tab.sounding() == []
    desk.stage.change(playing=True)
    tab.until(lambda: desk.sounds and tab.place > 0.2, "sound")
    first = tab.sounding()[0]
    tab.rest(0.5)
    later = tab.sounding()[0]
    assert later["place"] > first["place"] + 0.3
    assert later["decoded"] > first["decoded"] > 0
    assert abs(tab.place - desk.stage.position()) < _ROUGHLY
    desk.stage.change(place=60.0)
    tab.until(lambda: desk.sounds and tab.place > 60.1, "the seek")
    begins = [
        int(wanted.split("=")[1].split("-")[0])
        for _, path, wanted in tab.requests
        if path.startswith("takes/one/sound")
    ]
    assert max(begins) > 50 * 48_000 * 4, f"no range from the middle was asked for: {begins}"
    desk.stage.change(playing=False)
    tab.until(lambda: tab.sounding() == [], "silence")
    assert abs(desk.heard.place - desk.stage.state.place) < _ROUGHLY


def test_the_buttons_of_the_tab_reach_the_studio(desk: Any, tabs: Any) -> None:
    put_on(desk, a="one", b="two", gains={"one": 0.5, "two": 1.0}, gain=0.5)
    tab = tabs.open(desk.url)
    tab.press("Play")
    tab.until(lambda: desk.stage.state.playing and desk.sounds, "play")
    tab.press("On 5 seconds")
    tab.until(lambda: desk.stage.state.place >= 5 and tab.place > 5, "five seconds on")
    tab.press("Section on")
    tab.until(lambda: tab.place > 8, "the verse")
    tab.until(lambda: "We folded the morning" in tab.page.inner_text("#lyrics"), "the verse's words")
    tab.press("Section on")
    tab.until(lambda: tab.page.inner_text("#lyrics") == "Paper boats.", "the line that is sung")
    tab.page.get_by_label("Backing, vocal muted").check()
    tab.until(lambda: [s for s in tab.sounding() if s["url"].endswith("one/sound/backing")], "the backing")
    tab.press("B")
    tab.until(lambda: desk.stage.state.take == "two" and desk.sounds, "the other take")
    tab.until(lambda: [s["volume"] for s in tab.sounding()] == [1.0], "the other take, equally loud")
    tab.press("Pause")
    tab.until(lambda: not desk.stage.state.playing and not tab.sounding(), "pause")
    tab.page.get_by_role("button", name="Paper boats, one", exact=False).first.click()
    tab.until(lambda: desk.stage.state.take == "one", "the take of the list")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Download Paper boats, two", exact=False).click()
    assert download.value.suggested_filename == "Paper boats, two.wav"


def test_another_stem_and_take_go_on_at_the_same_place(desk: Any, tabs: Any) -> None:
    put_on(desk, a="one", b="two", gains={"one": 0.5, "two": 1.0}, gain=0.5, playing=True, place=30.0)
    tab = tabs.open(desk.url)
    for change in ({"stem": "vocal"}, {"take": "two", "gain": 1.0, "place": None}):
        tab.until(lambda: desk.sounds and len(tab.sounding()) == 1, "sound")
        if "place" in change:
            change["place"] = desk.stage.position()
        before = desk.stage.position()
        desk.stage.change(**change)
        wanted = f"{desk.stage.state.take}/sound/{desk.stage.state.stem}"
        tab.until(lambda: [s["url"][-len(wanted) :] for s in tab.sounding()] == [wanted], "the other sound")  # noqa: B023
        now = tab.sounding()[0]
        assert now["volume"] == desk.stage.state.gain
        assert before < now["place"] < desk.stage.position() + _ROUGHLY


def test_two_tabs_stay_in_step(desk: Any, tabs: Any) -> None:
    put_on(desk)
    first, second = tabs.open(desk.url), tabs.open(desk.url)
    desk.stage.change(playing=True)

    def apart() -> float:
        a, b = (tab.heard for tab in desk.stage.tabs())
        return (a.place - a.at) - (b.place - b.at) if a.playing and b.playing else 9.0

    first.until(lambda: len(desk.stage.tabs()) == 2 and abs(apart()) < 0.1, "both in step")
    place = float(second.page.evaluate("sounds.at(-1).currentTime += 3"))
    pushed = time.monotonic()
    assert place - desk.stage.position() > 2, "the push that brings them apart"
    # Reports of before the push tell of nothing; the page may mend it before it sends another.
    first.until(lambda: desk.stage.tabs()[1].heard.at > pushed and abs(apart()) < 0.1, "both in step again")
    desk.stage.change(place=40.0)
    first.until(
        lambda: first.place > 40 and second.place > 40 and abs(apart()) < 0.1, "both at the new place"
    )


def test_more_tabs_than_a_browser_has_connections_for_are_all_heard(desk: Any, tabs: Any) -> None:
    put_on(desk)
    opened = [tabs.open(desk.url) for _ in range(8)]
    desk.stage.change(playing=True, place=50.0)

    def all_sound(count: int) -> bool:
        return [tab.heard.playing for tab in desk.stage.tabs() if tab.heard is not None] == [True] * count

    opened[0].until(lambda: all_sound(8), "sound of every tab")
    opened[7].press("Pause")
    opened[0].until(lambda: not desk.stage.state.playing, "the pause of the last tab")
    streams = [tab for tab in opened if any(path.startswith("events") for _, path, _ in tab.requests)]
    assert streams == opened[:1], "one stream for all"
    opened[0].page.close()
    desk.stage.change(playing=True, place=20.0)
    opened[1].until(lambda: all_sound(7), "the others without the one that had the stream")
    opened[7].press("Pause")
    opened[1].until(lambda: not desk.stage.state.playing, "the pause of the last of them")


def test_a_tab_whose_neighbour_has_the_stream_and_sleeps_takes_one_of_its_own(desk: Any, tabs: Any) -> None:
    put_on(desk)
    holder, other = tabs.open(desk.url), tabs.open(desk.url)
    lifecycle = holder.page.context.new_cdp_session(holder.page)
    lifecycle.send("Page.setWebLifecycleState", {"state": "frozen"})
    put_on(desk, title="Another song")
    title = other.page.locator("#title")
    other.until(lambda: title.inner_text() == "Another song", "what the studio says, on a stream of its own")
    lifecycle.send("Page.setWebLifecycleState", {"state": "active"})
    for name in ("A third", "A fourth"):
        put_on(desk, title=name)
        other.until(lambda: title.inner_text() == name, "what the neighbour hands on")  # noqa: B023


def test_a_stream_that_never_opens_is_told(desk: Any, tabs: Any) -> None:
    first = tabs.open(desk.url)
    first.page.context.route("**/events?*", lambda _: None)
    first.page.reload()
    first.until(lambda: "No link" in first.status, "word of it")


def test_what_grows_is_let_go_when_something_else_is_wanted(desk: Any, shelf: Any, tabs: Any) -> None:
    from tests.walk.tabs import make_sound

    def in_use() -> list[str]:
        states: list[str] = tab.page.evaluate("contexts.map((one) => one.state)")
        return [state for state in states if state != "closed"]

    shelf.add("grows", ["mix", "vocal"], seconds=6.0, grows=True)
    make_sound(shelf.file("grows"), 6.0)
    put_on(desk, take="grows", seconds=6.0, grows=True, playing=True, loop=(0.0, 5.0))
    tab = tabs.open(desk.url)
    tab.until(lambda: desk.sounds, "sound")
    desk.stage.change(stem="vocal")  # of which nothing is there yet
    tab.until(lambda: len(in_use()) == 2, "the other stem, waited for")
    desk.stage.change(stem="mix")
    tab.until(lambda: len(in_use()) == 1, "the other stem let go")
    assert desk.sounds
    put_on(desk, take="", title="", seconds=0.0, grows=False, playing=False, loop=None)
    tab.until(lambda: in_use() == [], "all of it let go")
    asked = len(tab.requests)
    tab.rest(0.5)
    assert not [path for _, path, _ in tab.requests[asked:] if "piece" in path]


def test_a_tab_comes_back_when_the_studio_does(desk: Any, tabs: Any) -> None:
    put_on(desk, playing=True)
    tab = tabs.open(desk.url)
    tab.until(lambda: desk.sounds, "sound")
    desk.close()
    tab.until(lambda: "No link" in tab.status, "word of the link")
    place = tab.place
    tab.rest(0.5)
    assert tab.place > place, "what has been fetched plays on"
    tab.press("Pause")
    tab.until(lambda: not tab.sounding(), "silence, which needs no link")
    desk.open(State(title="Another song", take="two", seconds=_LONG, place=50.0, playing=True))
    tab.until(lambda: desk.asked_to() == ["pause"] and "In step" in tab.status, "the studio told of it")
    desk.stage.change(playing=True)
    tab.until(lambda: tab.place > 50, "the studio's new state")
    assert tab.page.inner_text("#title") == "Another song"


def test_tabs_that_share_a_stream_lose_the_link_and_come_back_together(desk: Any, tabs: Any) -> None:
    put_on(desk)
    both = [tabs.open(desk.url) for _ in range(2)]
    desk.close()
    for tab in both:
        tab.until(lambda: "No link" in tab.status, "word of the link")  # noqa: B023
    desk.open(State(title="Another song", take="two", seconds=_LONG, playing=True))
    for tab in both:
        tab.until(lambda: "In step" in tab.status and tab.place > 0, "the link, and sound")  # noqa: B023
        assert tab.page.inner_text("#title") == "Another song"
    assert len(desk.stage.tabs()) == 2


def test_a_browser_that_refuses_sound_is_met_by_one_button(playwright: Any, desk: Any) -> None:
    from tests.walk.tabs import Tabs

    browser = launch(playwright, "--autoplay-policy=document-user-activation-required")
    try:
        with Tabs(browser) as tabs:
            put_on(desk, playing=True, place=10.0)
            tab = tabs.open(desk.url, looks=False)
            tab.until(lambda: desk.heard and desk.heard.blocked, "the refusal")
            tab.rest(1.0)
            assert desk.stage.position() == pytest.approx(10.0, abs=0.2), "nobody hears it, so it waits"
            button = tab.page.get_by_role("button", name="Let this tab play sound")
            tab.until(button.is_visible, "the button")
            assert "press the button" in tab.status
            button.click()
            tab.until(lambda: desk.sounds and tab.place > 10.1 and button.is_hidden(), "sound")
            assert tab.place < 12
            desk.stage.change(stem="vocal")
            tab.until(lambda: tab.sounding() and "vocal" in tab.sounding()[0]["url"], "all that comes after")
    finally:
        browser.close()


def test_the_keys_of_the_page(desk: Any, tabs: Any) -> None:
    put_on(desk, a="one", b="two", place=30.0)
    tab = tabs.open(desk.url)
    keys = tab.page.keyboard

    def press(key: str, field: str, value: object) -> None:
        keys.press(key)
        tab.until(lambda: getattr(desk.stage.state, field) == value, f"{key}: {field} {value}")

    press(" ", "playing", True)
    press(" ", "playing", False)
    for key in ("Home", "ArrowRight", "ArrowRight", "."):
        keys.press(key)  # faster than the studio can tell of the one before
    tab.until(lambda: desk.stage.state.place == 11.0, "the sum of what was pressed")
    press("Home", "place", 0.0)
    press("ArrowRight", "place", 5.0)
    press(".", "place", 6.0)
    press("ArrowLeft", "place", 1.0)
    press("n", "place", 8.0)
    press("End", "place", _LONG - 1)
    press("3", "stem", "backing")
    press("1", "stem", "mix")
    press("a", "take", "two")
    press("x", "take", "one")
    press("-", "volume", 0.95**2)
    press("+", "volume", 1.0)
    keys.press("m")
    assert tab.page.get_by_role("button", name="Mute this tab").get_attribute("aria-pressed") == "true"
    desk.stage.change(playing=True)
    tab.until(lambda: [s["volume"] for s in tab.sounding()] == [0], "a muted tab that plays on")
    keys.press("m")
    tab.until(lambda: [s["volume"] for s in tab.sounding()] == [1], "the tab heard again")
    tab.page.get_by_role("button", name="On 5 seconds").focus()
    desk.asked.clear()
    keys.press(" ")
    tab.until(lambda: desk.asked, "the button under the keyboard")
    assert desk.asked_to() == ["seek"], "space presses what has the focus, and nothing else"
    tab.page.get_by_label("Volume").focus()
    press("ArrowLeft", "volume", 0.95**2)
    keys.press("?")
    tab.page.get_by_label("Keys work in this tab").uncheck()
    desk.asked.clear()
    keys.press("n")
    tab.rest(0.2)
    assert not desk.asked


def test_everything_has_a_name_for_those_who_do_not_see_it(desk: Any, tabs: Any) -> None:
    put_on(desk, a="one", b="two", place=9.0)
    tab = tabs.open(desk.url)
    tab.until(lambda: tab.page.get_by_label("Vocal alone").is_visible(), "the stems")
    session = tab.page.context.new_cdp_session(tab.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]
    controls = [pair for pair in named if pair[0] in ("button", "slider", "radio", "link", "checkbox")]
    assert {role for role, _ in controls} == {"button", "slider", "radio", "link"}
    assert all(any(char.isalnum() for char in name) for _, name in controls), controls
    assert {"Position", "Volume"} == {name for role, name in controls if role == "slider"}
    assert {"Hear", "Sound", "Transport"} <= {name for role, name in named if role == "group"}
    assert any(role == "status" for role, _ in named)
    assert tab.page.get_by_label("Position").get_attribute("aria-valuetext") == "0:09 of 1:20, verse"
    seen = set()
    for _ in range(len(controls) + 5):
        tab.page.keyboard.press("Tab")
        seen.add(tab.page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
        if tab.page.evaluate("document.activeElement === document.body"):
            break
        edge = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert edge == "solid", "the focus is seen"
    assert len(seen) > 15, "all of it is reached by the keyboard"


def test_a_stretch_goes_round_until_it_is_let_go(desk: Any, tabs: Any) -> None:
    put_on(desk, playing=True, loop=(10.0, 11.0), place=10.0)
    tab = tabs.open(desk.url)
    for _ in range(2):
        tab.until(lambda: tab.place > 10.6, "the end of it")
        tab.until(lambda: 10 <= tab.place < 10.4, "its beginning")
    desk.stage.change(loop=None)
    tab.until(lambda: tab.place > 11.5, "what comes after it")


def test_light_sound_is_chosen_and_remembered(desk: Any, tabs: Any) -> None:
    put_on(desk, take="short", seconds=6.0, playing=True, loop=(0.0, 6.0))
    tab = tabs.open(desk.url)
    tab.until(lambda: desk.sounds, "sound")
    tab.page.get_by_label("Light, for slow lines").check()
    tab.until(
        lambda: [s for s in tab.sounding() if "/light/" in s["url"]] and len(tab.sounding()) == 1,
        "the light one",
    )
    again = tabs.open(desk.url)
    assert again.page.get_by_label("Light, for slow lines").is_checked()


def test_it_is_dark_where_that_is_wished_and_fits_a_narrow_window(desk: Any, tabs: Any) -> None:
    put_on(desk, a="one", b="two")
    tab = tabs.open(desk.url)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    colours = "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
    for scheme in ("dark", "light"):
        tab.page.emulate_media(color_scheme=scheme)
        ink, paper = (sum(map(int, text[4:-1].split(","))) for text in tab.page.evaluate(colours))
        assert (ink > paper) == (scheme == "dark")
        assert abs(ink - paper) > 550, "it can be read"
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_take_is_heard_while_it_grows_and_goes_over_into_the_finished_file(
    desk: Any, shelf: Any, tabs: Any
) -> None:
    import numpy as np

    from core.audio.spool import growing
    from tests.walk.tabs import RATE

    sound = np.random.default_rng(1).normal(0, 0.1, (RATE * 9, 2)).astype(np.float32)
    shelf.add("grows", ["mix"], seconds=2.0, grows=True)
    with growing(shelf.file("grows"), RATE) as spool:
        spool.append(sound[: RATE * 2])
        put_on(desk, take="grows", seconds=2.0, whole=9.0, grows=True, playing=True)
        tab = tabs.open(desk.url)
        tab.until(lambda: desk.sounds, "sound")
        spool.append(sound[RATE * 2 : RATE * 3])
        desk.stage.change(seconds=3.0)
        tab.until(lambda: "Waiting for more" in tab.status and desk.heard.waiting, "the end of what there is")
        assert desk.stage.position() == pytest.approx(3.0, abs=0.05)
        spool.append(sound[RATE * 3 :])
        desk.stage.change(seconds=9.0)
        tab.until(lambda: desk.sounds and desk.stage.position() > 3.2, "what has grown")
        starts = tab.page.evaluate("starts")
        played = np.array(tab.page.evaluate("played"))
        shelf.add("grows", ["mix"], seconds=9.0)
        before = desk.stage.position()
        desk.stage.change(grows=False, whole=0.0)
        tab.until(lambda: tab.sounding() and tab.sounding()[0]["volume"] == 1, "the finished file")
        assert before <= tab.place < desk.stage.position() + _ROUGHLY
    first, last = starts[0], starts[-1]
    assert [round(start["seconds"], 3) for start in starts][:2] == [2.0, 1.0]
    assert starts[1]["when"] == pytest.approx(first["when"] + 2.0, abs=1e-6), "no seam between two pieces"
    assert last["when"] > starts[1]["when"] + 1.0
    np.testing.assert_allclose(played, sound[: len(played) * 480 : 480, 0], atol=1 / 32768)


def test_takes_are_marked_to_be_compared(desk: Any, tabs: Any) -> None:
    put_on(desk)
    tab = tabs.open(desk.url)
    assert tab.page.get_by_role("button", name="A", exact=True).first.is_disabled()
    tab.press("A: compare Paper boats, one, one")
    tab.press("B: compare Paper boats, two, two")
    tab.until(lambda: (desk.stage.state.a, desk.stage.state.b) == ("one", "two"), "the marks")
    tab.press("B")
    tab.until(lambda: desk.stage.state.take == "two", "the other take")
