// Follow a job through a cut connection: the part that a front end writes itself, with either client.
import * as sse from "graphql-sse";
import * as ws from "graphql-ws";
import WebSocket from "ws";

const { TRANSPORT, URL: url, TOKEN, JOB, CUT_AFTER } = process.env;
const authorization = `Bearer ${TOKEN}`;
const query = `subscription ($job: ID!, $after: String) {
  generationProgress(jobId: $job, after: $after) { state isFinal cursor event { seq } }
}`;

function connect() {
  return TRANSPORT === "sse"
    ? sse.createClient({ url, headers: { authorization } })
    : ws.createClient({
        url: url.replace("http", "ws"),
        webSocketImpl: WebSocket,
        connectionParams: { authorization },
      });
}

async function follow(after, most) {
  const client = connect();
  for await (const { data, errors } of client.iterate({ query, variables: { job: JOB, after } })) {
    if (errors) throw new Error(JSON.stringify(errors));
    const progress = data.generationProgress;
    console.log(JSON.stringify(progress));
    after = progress.cursor;
    if (progress.isFinal) return null;
    if (--most === 0) break;
  }
  client.dispose();
  return after;
}

let after = null;
for (let most = Number(CUT_AFTER); (after = await follow(after, most)) !== null; most = 3);
