// Use the API with Apollo Client: a mutation, one that is refused, a list by pages, and a job to its end.
import { gql } from "@apollo/client";
import WebSocket from "ws";
import { connect, followJob } from "./page.mjs";

const { URL: url, TOKEN, SELFIE } = process.env;
const client = connect({ url, token: async () => TOKEN, webSocketImpl: WebSocket });
const say = (value) => console.log(JSON.stringify(value));

const CREATE = gql`
  mutation ($input: CreateAvatarInput!) {
    createAvatar(input: $input) { job { id state } userErrors { ...Refusal } }
  }
  fragment Refusal on UserError { code message }
`;
const JOBS = gql`
  query ($after: String) {
    jobs(first: 1, after: $after) { edges { node { id state percent } } pageInfo { hasNextPage endCursor } }
  }
`;

async function create(selfieId) {
  const variables = { input: { selfieId, idempotencyKey: `apollo ${selfieId}` } };
  return (await client.mutate({ mutation: CREATE, variables })).data.createAvatar;
}

const { job } = await create(SELFIE);
say(job.id);
say((await create("asset_0")).userErrors[0].code);

const list = client.watchQuery({ query: JOBS });
await new Promise((resolve) => list.subscribe(({ data, loading }) => data && !loading && resolve()));
const shown = () => client.readQuery({ query: JOBS }).jobs;
while (shown().pageInfo.hasNextPage) await list.fetchMore({ variables: { after: shown().pageInfo.endCursor } });
say(shown().edges.map(({ node }) => node.id));

await followJob(client, job.id, say);
// The list has changed with the job, and nothing was sent for it.
say(shown().edges.find(({ node }) => node.id === job.id).node);
client.stop();
process.exit(0);
