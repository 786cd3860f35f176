// A program that uses the generated types: it compiles if they say what the API promises.
import {
  CreateStoryMutation,
  CreateStoryMutationVariables,
  FollowStorySubscription,
  JobsQuery,
  JobsQueryVariables,
  JobState,
  OnFailure,
  RefusalFragment,
  Tier,
} from "./generated.js";

export const order: CreateStoryMutationVariables = {
  input: { selfieId: "asset_1", theme: "neon-city", idempotencyKey: "order 7", metadata: { order: 7 } },
};
export const careful: CreateStoryMutationVariables = {
  input: { ...order.input, onFailure: OnFailure.RollBackParent, animation: { durationSeconds: 10 } },
};
export const failed: JobsQueryVariables = { first: 20, filter: { states: [JobState.Failed], createdAfter: "2026-01-01T00:00:00Z" } };
export const tier: Tier = Tier.Free;

export function describe(refusal: RefusalFragment): string {
  switch (refusal.__typename) {
    case "InsufficientCreditsError":
      return `${refusal.required - refusal.available} credits are missing`;
    case "SpendCapError":
      return `again at ${refusal.resetsAt.slice(0, 10)}`;
    case "LimitExceededError":
      return `${refusal.used} of ${refusal.max}, ${refusal.retryAt?.slice(0, 10) ?? "until some have ended"}`;
    case "PlainUserError":
      return `${refusal.path.join(".")}: ${refusal.message}`;
  }
}

export function storyOf({ createStory: { story, userErrors } }: CreateStoryMutation): string {
  if (story === null || story === undefined) throw new Error(userErrors.map(describe).join());
  return story.avatar?.output?.url ?? story.id;
}

export function bytes(page: JobsQuery): number {
  return page.jobs.edges.reduce((sum, { node }) => sum + (node.output?.sizeBytes ?? 0), 0);
}

export function isOver(progress: FollowStorySubscription): boolean {
  const { isFinal, state, percent, job } = progress.generationProgress;
  return isFinal && state === JobState.Succeeded && percent === 100 && job.error?.retryable !== true;
}

// What the schema does not allow does not compile.
// @ts-expect-error: an order needs its key
export const keyless: CreateStoryMutationVariables = { input: { selfieId: "asset_1", theme: "neon-city" } };
// @ts-expect-error: there is no such state
export const unknown: JobsQueryVariables = { filter: { states: ["EXPLODED"] } };
// @ts-expect-error: what was not selected is not there
export const unselected = (page: JobsQuery) => page.jobs.edges[0]!.node.costMicros;
