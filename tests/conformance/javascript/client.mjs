// Runs one scenario of the official client against the simulator at SIMULATOR_URL: node client.mjs SCENARIO
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import Replicate, { validateWebhook } from "replicate";

const IMAGE = "openai/gpt-image-2";
const VIDEO = "minimax/video-01-live";
const HELLO = "replicate/hello-world:5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa";
const SOON = { interval: 10 };

const baseUrl = `${process.env.SIMULATOR_URL}/v1`;
const replicate = new Replicate({ auth: "r8_any", baseUrl });
const input = { prompt: "a fox" };

const scenarios = {
  async run() {
    const [url] = await replicate.run(IMAGE, { input });
    assert.match(String(url), /\/out-0\.webp$/);
    assert.equal(await replicate.run(HELLO, { input: { text: "Alice" }, wait: { mode: "poll", ...SOON } }), "hello Alice");
  },

  async run_tells_the_progress() {
    const seen = [];
    await replicate.run(IMAGE, { input, wait: { mode: "poll", ...SOON } }, ({ status }) => seen.push(status));
    assert.deepEqual([seen[0], seen.at(-1)], ["starting", "succeeded"]);
  },

  async run_wraps_https_outputs_in_files() {
    const [file] = await replicate.run(IMAGE, { input });
    assert.equal(file.url().protocol, "https:");
    const bytes = Buffer.from(await (await file.blob()).arrayBuffer());
    assert.equal(bytes.subarray(8, 12).toString(), "WEBP");
  },

  async create() {
    const byModel = await replicate.predictions.create({ model: IMAGE, input });
    const byVersion = await replicate.predictions.create({ version: HELLO.split(":")[1], input: { text: "Alice" } });
    assert.deepEqual([byModel.status, byVersion.status], ["starting", "starting"]);
    assert.equal((await replicate.predictions.get(byModel.id)).id, byModel.id);
    assert.ok((await replicate.predictions.create({ model: IMAGE, input, wait: 10 })).output);
  },

  async wait() {
    const created = await replicate.predictions.create({ model: IMAGE, input });
    const ended = await replicate.wait(created, SOON);
    assert.deepEqual([ended.id, ended.status], [created.id, "succeeded"]);
  },

  // Needs a slow simulator.
  async cancel() {
    const created = await replicate.predictions.create({ model: IMAGE, input });
    const canceled = await replicate.predictions.cancel(created.id);
    assert.deepEqual([canceled.id, canceled.status], [created.id, "canceled"]);
    await replicate.run(IMAGE, { input, signal: AbortSignal.abort(), wait: { mode: "poll", ...SOON } });
    const { results } = await replicate.predictions.list();
    assert.deepEqual(results.map(({ status }) => status), ["canceled", "canceled"]);
  },

  async list_pages() {
    for (let made = 0; made < 120; made += 1) await replicate.predictions.create({ model: IMAGE, input });
    const sizes = [];
    for await (const page of replicate.paginate(replicate.predictions.list)) sizes.push(page.length);
    assert.deepEqual(sizes, [100, 20]);
  },

  async files() {
    const file = await replicate.files.create(new File(["content"], "a.txt", { type: "text/plain" }), { job: "5" });
    assert.deepEqual([file.name, file.size, file.content_type, file.metadata], ["a.txt", 7, "text/plain", { job: "5" }]);
    assert.deepEqual(await replicate.files.get(file.id), file);
    assert.deepEqual((await replicate.files.list()).results.map(({ id }) => id), [file.id]);
    assert.equal(await replicate.files.delete(file.id), true);
    assert.deepEqual((await replicate.files.list()).results, []);
  },

  async file_inputs_are_uploaded() {
    const first_frame_image = Buffer.from("a picture");
    const { input: told } = await replicate.predictions.create({ model: VIDEO, input: { ...input, first_frame_image } });
    assert.ok(told.first_frame_image.startsWith(`${baseUrl}/files/`), told.first_frame_image);
  },

  async webhooks() {
    const server = createServer(async (request, response) => {
      const body = await text(request);
      response.end(() => server.emit("webhook", { headers: request.headers, body }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const webhook = `http://127.0.0.1:${server.address().port}/hook`;
    const received = once(server, "webhook");
    const created = await replicate.predictions.create({ model: IMAGE, input, webhook, webhook_events_filter: ["completed"] });
    const [request] = await received;
    const { key } = await replicate.webhooks.default.secret.get();
    assert.equal(JSON.parse(request.body).id, created.id);
    assert.equal(await validateWebhook(request, key), true);
    assert.equal(await validateWebhook({ ...request, body: `${request.body} ` }, key), false);
    server.close();
  },

  async errors() {
    const invalid = await replicate.predictions.create({ model: IMAGE, input: {} }).catch((error) => error);
    assert.deepEqual([invalid.name, invalid.response.status], ["ApiError", 422]);
    const missing = await replicate.predictions.get("none").catch((error) => error);
    assert.deepEqual([missing.name, missing.response.status], ["ApiError", 404]);
  },

  async models_are_read_and_searched() {
    const model = await replicate.models.get("openai", "gpt-image-2");
    const version = await replicate.models.versions.get("openai", "gpt-image-2", model.latest_version.id);
    assert.equal(version.id, model.latest_version.id);
    const { results } = await replicate.models.search("sunburst");
    assert.deepEqual(results.map(({ name }) => name), ["gpt-image-2.5-sunburst"]);
    assert.equal((await replicate.accounts.current()).username, "simulator");
    assert.equal((await replicate.hardware.list())[0].sku, "cpu");
    assert.ok((await replicate.collections.get("text-to-image")).models.length);
  },

  async deployments() {
    const { latest_version } = await replicate.models.get("openai", "gpt-image-2");
    const sizes = { min_instances: 0, max_instances: 1 };
    await replicate.deployments.create({ name: "d", model: IMAGE, version: latest_version.id, hardware: "cpu", ...sizes });
    const created = await replicate.deployments.predictions.create("simulator", "d", { input });
    assert.equal(created.deployment, "simulator/d");
    const changed = await replicate.deployments.update("simulator", "d", { max_instances: 4 });
    assert.equal(changed.current_release.number, 2);
    assert.equal(await replicate.deployments.delete("simulator", "d"), true);
  },
};

await scenarios[process.argv[2]]();
