"""Scenarios in which the agent asks the user a question or shows a plan."""

from collections.abc import AsyncGenerator

from xo_cowork_core.sdk import (
    Event,
    PlanAnswer,
    PlanReview,
    Question,
    QuestionAnswer,
    QuestionItem,
    QuestionOption,
)
from xo_runtime_demo.scenario_context import ScenarioContext

REVISIONS = 20
COLOUR = QuestionItem(
    "Which colour do you like?",
    "Colour",
    (QuestionOption("Red", "Warm"), QuestionOption("Green", "Calm"), QuestionOption("Blue")),
)
FRUITS = QuestionItem(
    "Which fruits do you eat?",
    "Fruits",
    (QuestionOption("Apples"), QuestionOption("Pears"), QuestionOption("Plums")),
    multi_select=True,
)
STEPS = "1. Write `demo/note.md`\n2. Read it back\n"


async def question(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    items = (COLOUR, FRUITS) if context.request.first_word("") == "two" else (COLOUR,)
    call_id = context.new_call_id()
    pending = context.expect_answer(call_id)
    yield Question(call_id, "question", items)
    answer = await context.wait_for(pending)
    if not isinstance(answer, QuestionAnswer) or answer.declined:
        text = "You did not answer, so I choose for you."
    else:
        text = "\n".join(f"{item} {choice}" for item, choice in answer.answers.items())
    for delta in context.text_deltas(text):
        yield delta


async def plan(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in context.text_deltas("Here is my plan. "):
        yield delta
    steps, text = STEPS, "That is enough planning."
    for _ in range(REVISIONS):
        call_id = context.new_call_id()
        pending = context.expect_answer(call_id)
        yield PlanReview(call_id, "Write a note", steps, ("demo/note.md",))
        answer = await context.wait_for(pending)
        if not isinstance(answer, PlanAnswer) or answer.action == "stop":
            text = "The plan is dropped."
            break
        if answer.action == "accept":
            text = "The plan is accepted. (The demo stops here.)"
            break
        steps += f"3. Changed: {answer.feedback}\n"
    for delta in context.text_deltas(text):
        yield delta
