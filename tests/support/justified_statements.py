"""Statements of policies that are kept although they decide nothing that is rehearsed."""

# By why they are there all the same.
JUSTIFIED = {
    "AWS decrypts with it what it hands to a function or a schedule's target; the local AWS encrypts neither.": {
        "access-verify: DecryptInput",
        "invoke-rotation-watch: DecryptInput",
        "taproom-ENVIRONMENT-access-plan: DecryptEnvironment",
        "taproom-ENVIRONMENT-database-access: DecryptEnvironment",
        "taproom-ENVIRONMENT-rotation: DecryptEnvironment",
        "taproom-ENVIRONMENT-rotation-watch: DecryptEnvironment",
    },
    "Lambda joins the network with the function's role; it keeps the function's own code from doing so.": {
        "taproom-ENVIRONMENT-access-plan: OnlyLambdaJoinsNetwork",
        "taproom-ENVIRONMENT-database-access: OnlyLambdaJoinsNetwork",
        "taproom-ENVIRONMENT-rotation: OnlyLambdaJoinsNetwork",
        "taproom-ENVIRONMENT-rotation-watch: OnlyLambdaJoinsNetwork",
    },
    "AWS's own services act with it, which do not act here: flow logs, host metrics, the firewall's log, RDS.": {
        "taproom-ENVIRONMENT-boundary: EnhancedMonitoringLog",
        "taproom-ENVIRONMENT-database-monitoring: trust: AssumedForOwnInstance",
        "taproom-ENVIRONMENT-flow-log: trust: AssumedByOwnFlowLogs",
        "taproom-deploy-ENVIRONMENT-resources: FirewallLogDelivery",
        "taproom-deploy-ENVIRONMENT-resources: MasterSecret",
        "write-flow-log: WriteFlowLog",
    },
    "AWS has it when an account or a network is new, and the local AWS does not: service-linked roles, open groups.": {
        "taproom-deploy-ENVIRONMENT-network: CloseDefaultGroup",
        "taproom-deploy-ENVIRONMENT-roles-and-keys: ServiceLinkedRoles",
    },
    "The service logs in by token if an environment wants it to; tests/integration/app/test_token_login.py does.": {
        "taproom-ENVIRONMENT-boundary: DatabaseLogins",
    },
    "A second line behind policies that do not allow it either.": {
        "taproom-pipeline-boundary: NotThePipelineItself",
        "taproom-pipeline-boundary: NotTheStateBucketItself",
    },
    "The workflows' jobs need it: test_release.py runs them, on a local AWS of its own.": {
        "build: RegistryLogin",
        "drift: AskWhatAnApplyWouldRunInTheDatabase",
        "drift: DecryptWriteTokens",
        "drift: LookAtWhatHasAName",
        "drift: LookAtWhatHasNoName",
        "drift: ReadStates",
        "drift: ReadWriteTokens",
        "plan: AskWhatAnApplyWouldRunInTheDatabase",
        "plan: LookAtWhatHasNoName",
        "taproom-build: trust: AssumedByGitHubJob",
        "taproom-deploy-ENVIRONMENT-state-and-image: FindImages",
        "taproom-deploy-ENVIRONMENT: trust: AssumedByGitHubJob",
        "taproom-drift: trust: AssumedByGitHubJob",
        "taproom-plan: trust: AssumedByGitHubJob",
    },
}
