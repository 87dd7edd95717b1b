import pytest

from helpers import plotting, questions
from helpers.questions import Question


@pytest.fixture(autouse=True)
def a_new_kernel(monkeypatch):
    monkeypatch.setattr(questions, "_given", {})


def ask(**changes):
    options = {"reveal": "It <falls> silent.", "answer": "silence"} | changes
    return questions.predict("What comes next?", ["music", "silence"], **options)


def parts(asked):
    text, box = asked.parts
    return text, *box.children


def test_the_question_stands_on_every_page_and_its_answer_does_not():
    text, buttons, page = parts(ask())
    assert text.text == "Predict: What comes next? [music | silence]"
    assert "What comes next?" in text.html
    assert (buttons.value, buttons.disabled, page.value) == (None, False, "")
    assert buttons.description == "Your prediction:"


@pytest.mark.parametrize(
    ("choice", "said"), [("silence", "That is right."), ("music", "It is: silence.")]
)
def test_a_choice_reveals_the_answer_and_is_final(choice, said):
    _, buttons, page = parts(ask())
    buttons.value = choice
    assert f"You said: <strong>{choice}</strong>. {said}" in page.value
    assert "It &lt;falls&gt; silent." in page.value
    assert buttons.disabled


def test_the_first_answer_is_kept_when_the_cell_runs_again():
    _, buttons, page = parts(ask())
    buttons.value = "music"
    _, again, page_again = parts(ask())
    assert (again.value, again.disabled) == ("music", True)
    assert page_again.value == page.value
    assert parts(questions.predict("Another?", ["a", "b"], reveal="c"))[1].value is None


def test_an_answer_that_is_no_choice_any_more_is_forgotten():
    parts(ask())[1].value = "music"
    _, buttons, page = parts(questions.predict("What comes next?", ["a", "b"], reveal="c"))
    assert (buttons.value, page.value) == (None, "")
    buttons.value = "b"
    assert "You said: <strong>b</strong>." in page.value


def test_where_nothing_is_right_nothing_is_judged():
    _, buttons, page = parts(ask(answer=None))
    buttons.value = "music"
    assert page.value.startswith("<p>You said: <strong>music</strong>.</p>")


def test_a_picture_or_player_can_be_revealed():
    _, buttons, page = parts(ask(reveal=plotting.Shown("<img alt='x'>", "x")))
    buttons.value = "music"
    assert page.value.endswith("<img alt='x'>")


@pytest.mark.parametrize("choices", [[], ["one"], ["same", "same"], "ab"])
def test_a_question_without_a_choice_is_refused(choices):
    with pytest.raises(ValueError, match="two or more different texts"):
        questions.predict("?", choices, reveal="x")


def test_an_answer_that_is_no_choice_is_refused():
    with pytest.raises(ValueError, match=r"one of \['a', 'b'\], got 'c'"):
        questions.predict("?", ["a", "b"], reveal="x", answer="c")
    with pytest.raises(ValueError, match="got 'c'"):
        questions.quiz([Question("?", ("a", "b"), "c", "")])


def two_questions():
    return [
        Question("First?", ("a", "b"), "a", "Because <1>.", "Look at 1."),
        Question("Second?", ("c", "d"), "d", "Because 2."),
    ]


def rows(asked):
    *asked_parts, score = asked.parts
    return [box.children for box in asked_parts[1::2]], score


def test_a_quiz_shows_each_question_above_its_choices():
    asked = questions.quiz(two_questions())
    assert [part.text for part in asked.parts[:4:2]] == [
        "1: First? [a | b]",
        "2: Second? [c | d]",
    ]
    ((first, _), (second, _)), score = rows(asked)
    assert (first.description, second.description) == ("Answer 1:", "Answer 2:")
    assert "0 of 2 answered, 0 right" in score.value


def test_a_quiz_explains_each_choice_and_counts_first_tries():
    ((first, said), (second, said_second)), score = rows(questions.quiz(two_questions()))
    first.value = "b"
    assert "Not that one.</strong> Look at 1." in said.value
    assert not first.disabled
    first.value = "a"
    assert "Right.</strong> Because &lt;1&gt;." in said.value
    assert first.disabled
    second.value = "d"
    assert "Because 2." in said_second.value
    assert "2 of 2 answered, 1 right at the first try" in score.value


def test_a_quiz_that_runs_again_shows_what_was_answered():
    ((first, said), _), score = rows(questions.quiz(two_questions()))
    first.value = "b"
    ((again, said_again), (second, _)), score_again = rows(questions.quiz(two_questions()))
    assert (again.value, second.value) == ("b", None)
    assert (said_again.value, score_again.value) == (said.value, score.value)
    again.value = "a"
    assert "1 of 2 answered, 0 right" in score_again.value


@pytest.mark.parametrize("asked", [[], two_questions()[:1] * 2])
def test_a_quiz_without_different_questions_is_refused(asked):
    with pytest.raises(ValueError, match="different texts"):
        questions.quiz(asked)


def test_displaying_shows_the_parts_in_order(monkeypatch):
    shown = []
    monkeypatch.setattr(questions, "display", shown.append)
    asked = questions.quiz(two_questions())
    asked._ipython_display_()
    assert tuple(shown) == asked.parts
