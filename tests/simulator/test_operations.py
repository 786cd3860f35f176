"""Every operation of the API responds in the API's form."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.api.routes import OPERATIONS
from tests.simulator.clients import IMAGE, Api

# The operations in Replicate's OpenAPI document.
DOCUMENTED = {
    "account.get",
    "collections.get",
    "collections.list",
    "deployments.create",
    "deployments.delete",
    "deployments.get",
    "deployments.list",
    "deployments.predictions.create",
    "deployments.update",
    "files.create",
    "files.delete",
    "files.download",
    "files.get",
    "files.list",
    "hardware.list",
    "models.create",
    "models.delete",
    "models.examples.list",
    "models.get",
    "models.list",
    "models.predictions.create",
    "models.readme.get",
    "models.search",
    "models.update",
    "models.versions.delete",
    "models.versions.get",
    "models.versions.list",
    "predictions.cancel",
    "predictions.create",
    "predictions.get",
    "predictions.list",
    "search",
    "trainings.cancel",
    "trainings.create",
    "trainings.get",
    "trainings.list",
    "webhooks.default.secret.get",
}


def test_every_documented_operation_is_served() -> None:
    assert {operation.id for operation in OPERATIONS} == DOCUMENTED


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_operation_requires_a_token(api: Api, operation: Any) -> None:
    path = operation.path.format(owner="a", name="b", version="c", id="d", slug="e")
    response = api.http.request(operation.method, f"/v1{path}", headers={"Authorization": ""})
    assert (response.status_code, response.json()["title"]) == (401, "Unauthenticated")


def test_model_returns_its_input_schema(api: Api) -> None:
    model = api.get("/models/minimax/hailuo-02").json()
    schemas = model["latest_version"]["openapi_schema"]["components"]["schemas"]
    assert model["is_official"] is True
    assert schemas["Input"]["required"] == ["prompt"]
    resolution = schemas["Input"]["properties"]["resolution"]
    assert resolution["allOf"] == [{"$ref": "#/components/schemas/resolution"}]
    assert (resolution["default"], schemas["resolution"]["enum"]) == ("1080p", ["512p", "768p", "1080p"])
    assert schemas["Output"] == {"type": "string", "title": "Output", "format": "uri"}


def test_versions_of_a_model_are_listed_and_read(api: Api) -> None:
    (listed,) = api.get(f"/models/{IMAGE}/versions").json()["results"]
    assert api.get(f"/models/{IMAGE}/versions/{listed['id']}").json() == listed
    assert api.get(f"/models/{IMAGE}/versions/{'0' * 64}").status_code == 404


def test_models_are_listed_sorted_and_searched(api: Api) -> None:
    names = [model["name"] for model in api.get("/models").json()["results"]]
    ascending = api.get("/models", params={"sort_direction": "asc"}).json()["results"]
    assert [model["name"] for model in reversed(ascending)] == names
    found = api.http.request("QUERY", "/v1/models", content="hailuo").json()["results"]
    assert {model["name"] for model in found} == {"hailuo-02", "hailuo-2.3"}
    assert api.get("/models", params={"sort_by": "colour"}).status_code == 400


def test_search_for_models_ignores_quotation_marks_and_always_describes(api: Api) -> None:
    api.post("/models", json={"owner": "simulator", "name": "plain", "visibility": "public", "hardware": "cpu"})
    (found,) = api.http.request("QUERY", "/v1/models", content='"plain"').json()["results"]
    assert (found["name"], found["description"]) == ("plain", "")


@pytest.mark.parametrize("link", ["no link", "https://[", "https://a b", "ftp://a"])
def test_link_of_a_model_is_a_url_or_null(api: Api, link: str) -> None:
    new = {"owner": "simulator", "name": "mine", "visibility": "private", "hardware": "cpu"}
    assert api.post("/models", json={**new, "paper_url": link}).status_code == 422
    assert api.post("/models", json={**new, "paper_url": ""}).json()["paper_url"] is None


@pytest.mark.parametrize("name", ["", "two words", "a/b", ".", "é", "a\n"])
def test_names_must_fit_into_a_path(api: Api, name: str) -> None:
    new = {"owner": "simulator", "name": name, "visibility": "private", "hardware": "cpu"}
    refused = api.post("/models", json=new)
    assert [each["type"] for each in refused.json()["invalid_fields"]] == ["pattern"]


def test_a_wrong_method_gets_the_list_of_allowed_ones(api: Api) -> None:
    response = api.http.request("PUT", "/v1/models")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST, QUERY")


def test_own_model_is_created_changed_and_deleted(api: Api) -> None:
    new = {"owner": "simulator", "name": "mine", "visibility": "private", "hardware": "cpu"}
    created = api.post("/models", json=new)
    assert (created.status_code, created.json()["latest_version"]) == (201, None)
    changed = api.http.patch("/v1/models/simulator/mine", json={"description": "d", "readme": "# R"})
    assert changed.json()["description"] == "d"
    assert api.get("/models/simulator/mine/readme").text == "# R"
    assert "mine" not in {model["name"] for model in api.get("/models").json()["results"]}
    assert api.post("/models", json=new).status_code == 400
    assert api.http.delete("/v1/models/simulator/mine").status_code == 204
    assert api.get("/models/simulator/mine").status_code == 404


def test_models_of_others_cannot_be_changed(api: Api) -> None:
    new = {"owner": "openai", "name": "mine", "visibility": "private", "hardware": "cpu"}
    version = api.get(f"/models/{IMAGE}").json()["latest_version"]["id"]
    responses = [
        api.post("/models", json=new),
        api.http.patch(f"/v1/models/{IMAGE}", json={"description": "d"}),
        api.http.delete(f"/v1/models/{IMAGE}"),
        api.http.delete(f"/v1/models/{IMAGE}/versions/{version}"),
    ]
    assert [response.status_code for response in responses] == [403] * 4


def test_readme_is_plain_text(api: Api) -> None:
    response = api.get(f"/models/{IMAGE}/readme")
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text.startswith("# gpt-image-2")


def test_deployment_is_created_changed_run_and_deleted(api: Api) -> None:
    version = api.get(f"/models/{IMAGE}").json()["latest_version"]["id"]
    new = {"name": "d", "model": IMAGE, "version": version, "hardware": "cpu", "min_instances": 0, "max_instances": 1}
    created = api.post("/deployments", json=new).json()
    assert (created["owner"], created["current_release"]["number"]) == ("simulator", 1)
    changed = api.http.patch("/v1/deployments/simulator/d", json={"max_instances": 3}).json()
    assert changed["current_release"]["number"] == 2
    assert changed["current_release"]["configuration"]["max_instances"] == 3
    assert api.get("/deployments").json()["results"] == [changed] == [api.get("/deployments/simulator/d").json()]
    predicted = api.post("/deployments/simulator/d/predictions", json={"input": {"prompt": "x"}}).json()
    assert (predicted["deployment"], predicted["model"], predicted["version"]) == ("simulator/d", IMAGE, version)
    assert api.http.delete("/v1/deployments/simulator/d").status_code == 204
    assert api.post("/deployments/simulator/d/predictions", json={"input": {}}).status_code == 404


def test_deployment_must_name_an_existing_version_and_valid_instances(api: Api) -> None:
    new = {"name": "d", "model": IMAGE, "version": "x", "hardware": "cpu", "min_instances": 0, "max_instances": 1}
    assert api.post("/deployments", json=new).json()["title"] == "Invalid version or not permitted"
    assert api.post("/deployments", json={**new, "min_instances": 6}).status_code == 422


def test_no_model_can_be_trained(api: Api) -> None:
    version = api.get(f"/models/{IMAGE}").json()["latest_version"]["id"]
    refused = api.post(f"/models/{IMAGE}/versions/{version}/trainings", json={"destination": "a/b", "input": {}})
    assert refused.json() == {"detail": "The specified training destination does not exist", "status": 404}
    assert api.get("/trainings").json()["results"] == []
    assert api.get("/trainings/x").status_code == api.post("/trainings/x/cancel").status_code == 404


def test_small_operations_respond(api: Api) -> None:
    assert api.get("/account").json()["username"] == "simulator"
    assert {"name": "CPU", "sku": "cpu"} in api.get("/hardware").json()
    assert api.get(f"/models/{IMAGE}/examples").json()["results"] == []
    assert api.get("/webhooks/default/secret").json() == {"key": api.background.settings.webhook_secret}


def test_collections_contain_their_models(api: Api) -> None:
    slugs = [each["slug"] for each in api.get("/collections").json()["results"]]
    videos = api.get("/collections/image-to-video").json()["models"]
    assert "image-to-video" in slugs
    assert {model["owner"] for model in videos} == {"minimax"}
    assert api.get("/collections/none").status_code == 404


def test_search_finds_models_and_requires_words(api: Api) -> None:
    found = api.get("/search", params={"query": "sunburst", "limit": 1}).json()
    assert [each["model"]["name"] for each in found["models"]] == ["gpt-image-2.5-sunburst"]
    refused = api.get("/search")
    assert refused.json() == {"detail": 'Query parameter "query" is required'}
    assert refused.headers["content-type"].startswith("application/json")
    assert api.get("/search", params={"query": "x", "limit": 51}).status_code == 400
