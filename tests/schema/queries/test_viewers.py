"""A viewer of support reads no words of end users, no prompts and no addresses of their pictures; an agent does."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type
from sqlalchemy import text

from jobs.prompts import PromptBook
from schema.ids import IdKind, decode_id
from statemachine.vocabulary import Kind, Role
from tests.jobs.prompts.making import job_of
from tests.schema.credits import selfie
from tests.schema.documents import make_story
from tests.schema.isolation.test_ids_of_others import SCHEMA
from tests.support.databases import unique_name
from tests.support.partners import PARENT_READY, TO_SUCCESS, Partner, add_attempt, move, partner
from tests.support.serving import Server

WORDS = "a friend's red hat"
READ = """
query ($id: ID!) {
  job(id: $id) {
    request { details input { url } } attempts { prompt }
    output { url small: url(width: 320) poster { url } previewUrl }
  }
}
"""
FOLLOW = """
subscription ($id: ID!, $after: String) {
  generationProgress(jobId: $id, after: $after) { event { seq } job { request { details } output { url } } }
}
"""
CURSOR = "query ($id: ID!) { job(id: $id) { cursor } }"


@pytest.fixture
def staff(server: Server) -> dict[Role, Partner]:
    """Return a member of support with each role that reads differently."""
    return {role: partner(server, unique_name(role), role=role) for role in (Role.VIEWER, Role.AGENT)}


@pytest.fixture
def scene(acme: Partner, server: Server) -> str:
    """Make a scene of a user's words that was submitted, and return the job's id."""
    ada = acme.user()
    made: str = make_story(ada, selfie(acme, ada), details=WORDS)["scene"]["id"]
    add_attempt(server.engine, made)
    version = PromptBook().prompt_for(job_of(Kind.SCENE, details=WORDS), "gpt-image-2").version
    row = {"id": decode_id(made, IdKind.JOB), "version": version}
    with server.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET prompt_version = :version WHERE job_id = :id"), row)
    return made


def texts(value: Any) -> list[str]:
    """Return the texts in a response."""
    if isinstance(value, dict | list):
        return [each for below in (value.values() if isinstance(value, dict) else value) for each in texts(below)]
    return [value] if isinstance(value, str) else []


def test_a_viewer_reads_nothing_that_people_gave_or_got(
    staff: dict[Role, Partner], acme: Partner, scene: str, server: Server
) -> None:
    move(server.engine, scene, PARENT_READY, *TO_SUCCESS)
    seen = {role: caller.ask(READ, id=scene)["job"] for role, caller in staff.items()}
    assert seen[Role.AGENT]["request"]["details"] == acme.ask(READ, id=scene)["job"]["request"]["details"] == WORDS
    assert WORDS in seen[Role.AGENT]["attempts"][0]["prompt"]
    assert seen[Role.AGENT]["output"]["url"].startswith("http")
    assert texts(seen[Role.VIEWER]) == []
    # What is there is still to be seen.
    assert seen[Role.VIEWER]["output"] is not None


def test_a_viewer_does_not_share_what_another_member_of_support_follows(
    staff: dict[Role, Partner], scene: str, server: Server
) -> None:
    after = staff[Role.AGENT].ask(CURSOR, id=scene)["job"]["cursor"]
    with staff[Role.AGENT].socket() as of_agent, staff[Role.VIEWER].socket() as of_viewer:
        for socket in (of_agent, of_viewer):
            socket.begin(FOLLOW, id=scene, after=after)
        move(server.engine, scene, PARENT_READY)
        followed = [socket.next()["generationProgress"] for socket in (of_agent, of_viewer)]
    assert [each["event"]["seq"] for each in followed] == [2, 2]
    assert [each["job"]["request"]["details"] for each in followed] == [WORDS, None]


def test_no_address_of_a_file_is_left_out() -> None:
    types = [each for each in SCHEMA.type_map.values() if isinstance(each, GraphQLObjectType)]
    addresses = {
        f"{type_.name}.{name}"
        for type_ in types
        for name, field in type_.fields.items()
        if get_named_type(field.type).name == "URL"
    }
    # The others lead to no picture of anyone's, or are made by mutations that a viewer may not send.
    assert addresses == {
        "Asset.previewUrl",
        "Asset.url",
        "CreateStreamTicketPayload.url",
        "CreditStatement.csvUrl",
        "ExportJobsPayload.url",
        "ExportUserPayload.url",
        "Theme.previewUrl",
        "UploadForm.url",
    }
