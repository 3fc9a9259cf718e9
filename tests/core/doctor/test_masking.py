"""A report that is pasted in public: nothing planted is found in it."""

import json

import pytest

from core.doctor.finding import Finding
from core.doctor.masking import Mask, mask_of

MASK = Mask(("/home/gwendolyn", "/srv/homes/gwendolyn"), "gwendolyn", "bluebottle", ("sw0rdfish-of-mine",))
PLANTED = (
    "gwendolyn", "bluebottle", "sw0rdfish", "hf_AbCdEfGhIjKlMnOp", "ghp_0123456789abcdef", "hunter2",
    "eyJhbGciOiJIUzI1NiJ9", "AKIAIOSFODNN7EXAMPLE", "s3cr3tvalue", "wilhelmina",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/home/gwendolyn/ckpt/v2-large", "~/ckpt/v2-large"),
        ("in /srv/homes/gwendolyn", "in ~"),
        ("/home/gwendolyn2/ckpt", "/home/USER/ckpt"),
        ("/home/wilhelmina/ckpt: shut", "/home/USER/ckpt: shut"),
        (r"C:\Users\wilhelmina\.wslconfig", r"C:\Users\USER\.wslconfig"),
        ("/mnt/c/Users/wilhelmina/x", "/mnt/c/Users/USER/x"),
        ("gwendolyn@bluebottle", "USER@HOST"),
        ("bluebottle.example.org", "HOST.example.org"),
        ("token hf_AbCdEfGhIjKlMnOp refused", "token *** refused"),
        ("https://u:hunter2@hub.example/x", "https://***@hub.example/x"),
        ("https://hub.example/x?token=s3cr3tvalue&n=1", "https://hub.example/x?token=***&n=1"),
        ("HF_TOKEN=sw0rdfish-of-mine", "HF_TOKEN=***"),
        ("MY_API_KEY: 's3cr3tvalue'", "MY_API_KEY: '***'"),
        ("Authorization: Bearer s3cr3tvalue", "Authorization: Bearer ***"),
        ("said sw0rdfish-of-mine aloud", "said *** aloud"),
    ],
)
def test_what_is_private_is_taken_out(text: str, masked: str) -> None:
    assert MASK.text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2.11.0+rocm7.2 for ROCm 7.2.26015, Triton 3.6.0",
        "HSA_OVERRIDE_GFX_VERSION=11.0.0 taken out for songdesk",
        "the token model, 1.2 GB, of sha256 deadbeef",
        "song/20261126-180601-1 cannot be read",
        "memory=28GB into .wslconfig",
    ],
)
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert MASK.text(text) == text


def test_facts_are_masked_however_deep_and_can_be_written_as_json() -> None:
    facts = {
        "file": "/home/gwendolyn/x",
        "deep": [{"bluebottle": ("hf_AbCdEfGhIjKlMnOp", 3)}],
        "rate": float("inf"),
        "size": 7,
    }
    found = MASK.finding(Finding("x", "X", "fail", "on bluebottle", "ask gwendolyn", facts))
    text = json.dumps([found.what, found.fix, dict(found.facts)], allow_nan=False)
    assert not any(secret in text for secret in PLANTED)
    assert found.facts["size"] == 7
    assert found.facts["rate"] is None


def test_names_that_tell_nothing_take_no_words_away() -> None:
    assert Mask((), "root", "localhost").text("root of localhost, ok") == "root of localhost, ok"


def test_this_person_and_machine_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/gwendolyn")
    monkeypatch.setattr("getpass.getuser", lambda: "gwendolyn")
    monkeypatch.setattr("socket.gethostname", lambda: "bluebottle.example.org")
    mask = mask_of(("s3cr3tvalue",))
    told = mask.text("/home/gwendolyn, gwendolyn, bluebottle, s3cr3tvalue")
    assert told == "~, USER, HOST, ***"


def test_a_person_without_a_name_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert mask_of(()).text("fine") == "fine"
