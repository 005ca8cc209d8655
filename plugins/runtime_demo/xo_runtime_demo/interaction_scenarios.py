"""Scenarios in which the agent asks a person."""

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


async def question(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    items = (COLOUR, FRUITS) if stage.request.first("") == "two" else (COLOUR,)
    call_id = stage.call_id()
    yield Question(call_id, "question", items)
    answer = await stage.wait_for(call_id)
    if not isinstance(answer, QuestionAnswer) or answer.declined:
        told = "You did not answer, so I choose for you."
    else:
        told = "\n".join(f"{asked} {said}" for asked, said in answer.answers.items())
    for delta in stage.say(told):
        yield delta


async def plan(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in stage.say("Here is my plan. "):
        yield delta
    steps, told = STEPS, "That is enough planning."
    for _ in range(REVISIONS):
        call_id = stage.call_id()
        yield PlanReview(call_id, "Write a note", steps, ("demo/note.md",))
        answer = await stage.wait_for(call_id)
        if not isinstance(answer, PlanAnswer) or answer.action == "stop":
            told = "The plan is dropped."
            break
        if answer.action == "accept":
            told = "The plan is accepted. (The demo stops here.)"
            break
        steps += f"3. Changed: {answer.feedback}\n"
    for delta in stage.say(told):
        yield delta
