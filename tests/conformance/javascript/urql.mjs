// Use the API with urql: a mutation, one that is refused, a list by pages, and a job to its end.
import { gql } from "@urql/core";
import * as sse from "graphql-sse";
import * as ws from "graphql-ws";
import WebSocket from "ws";
import { connect, followJob } from "./page.mjs";

const { URL: url, TOKEN, SELFIE, TRANSPORT } = process.env;
const authorization = `Bearer ${TOKEN}`;
const socket = { url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: { authorization } };
const live = TRANSPORT === "sse"
  ? sse.createClient({ url, retryAttempts: 0, headers: { authorization } })
  : ws.createClient({ ...socket, retryAttempts: 0 });
const client = connect({ url, token: async () => TOKEN, live });
const say = (value) => console.log(JSON.stringify(value));

const CREATE = gql`
  mutation ($input: CreateAvatarInput!) {
    createAvatar(input: $input) { job { id state } userErrors { code message } }
  }
`;
const JOBS = gql`
  query ($after: String) {
    jobs(first: 1, after: $after) { edges { node { id state percent } } pageInfo { hasNextPage endCursor } }
  }
`;

async function result(request) {
  const { data, error } = await request.toPromise();
  if (error) throw error;
  return data;
}

async function create(selfieId) {
  const input = { selfieId, idempotencyKey: `urql ${selfieId}` };
  return (await result(client.mutation(CREATE, { input }))).createAvatar;
}

async function list(requestPolicy) {
  const nodes = [];
  for (let after = null, hasNextPage = true; hasNextPage; ) {
    const { jobs } = await result(client.query(JOBS, { after }, { requestPolicy }));
    nodes.push(...jobs.edges.map(({ node }) => node));
    ({ hasNextPage, endCursor: after } = jobs.pageInfo);
  }
  return nodes;
}

// Its pages are in the cache from now on, and a mutation that returns a job makes them stale.
await list();
const { job } = await create(SELFIE);
say(job.id);
say((await create("asset_0")).userErrors[0].code);
say((await list()).map(({ id }) => id));
await followJob(client, job.id, say);
say((await list("network-only")).find(({ id }) => id === job.id));
process.exit(0);
