import { graphql } from 'relay-runtime';

graphql`
  fragment operationsJob_job on Job {
    id kind state percent cursor metadata createdAt
    credits { price held }
    output { id url(width: 640) }
    error { code message retryable }
  }
`;

graphql`
  fragment operationsJobs_query on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }, filter: { type: "JobFilter" })
  @refetchable(queryName: "operationsJobsPaginationQuery") {
    jobs(first: $count, after: $cursor, filter: $filter) @connection(key: "operations__jobs", filters: ["filter"]) {
      edges { node { id ...operationsJob_job } }
    }
  }
`;

graphql`
  fragment operationsEvents_job on Job
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "operationsEventsPaginationQuery") {
    events(first: $count, after: $cursor) @connection(key: "operations__events") {
      edges { node { seq event toState at } }
    }
  }
`;

graphql`
  fragment operationsSession_session on Session
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "operationsSessionPaginationQuery") {
    jobs(first: $count, after: $cursor) @connection(key: "operations_session__jobs") {
      edges { node { id ...operationsJob_job } }
    }
  }
`;

graphql`
  fragment operationsStory_story on Story @refetchable(queryName: "operationsStoryRefetchQuery") {
    id state percent cursor avatar { ...operationsJob_job } scene { ...operationsJob_job }
  }
`;

graphql`
  query operationsPageQuery($job: ID!, $filter: JobFilter) {
    viewer { role name credits { available } session { ...operationsSession_session } }
    node(id: $job) { ...operationsEvents_job @alias(as: "job") }
    ...operationsJobs_query @arguments(filter: $filter)
    activity(first: 20) @connection(key: "operations__activity") { edges { node { type at job { id } } } }
    stories(first: 20) @connection(key: "operations__stories") { edges { node { ...operationsStory_story } } }
    assets(first: 20) @connection(key: "operations__assets") { edges { node { id url } } }
    creditEntries(first: 20) @connection(key: "operations__creditEntries") { edges { node { amount at } } }
  }
`;

graphql`
  mutation operationsCreateStoryMutation($input: CreateStoryInput!, $connections: [ID!]!) {
    createStory(input: $input) {
      story @prependNode(connections: $connections, edgeTypeName: "StoryEdge") { ...operationsStory_story }
      replayed
      userErrors { code message path ... on InsufficientCreditsError { required available } }
    }
  }
`;

graphql`
  subscription operationsProgressSubscription($story: ID!, $after: String) {
    generationProgress(storyId: $story, after: $after) { cursor isFinal job { ...operationsJob_job } story { ...operationsStory_story } }
  }
`;
