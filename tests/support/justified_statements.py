"""Statements of policies that are kept although they decide nothing that is rehearsed."""

# By why they are there all the same.
JUSTIFIED = {
    "Lambda joins the network with the function's role; it keeps the function's own code from doing so.": {
        "taproom-ENVIRONMENT-access-plan: DenyNetworkAccessFromCode",
        "taproom-ENVIRONMENT-database-access: DenyNetworkAccessFromCode",
        "taproom-ENVIRONMENT-rotation: DenyNetworkAccessFromCode",
        "taproom-ENVIRONMENT-rotation-watch: DenyNetworkAccessFromCode",
    },
    "AWS's own services act with it, which do not act here: flow logs, host metrics, the firewall's log, RDS.": {
        "taproom-ENVIRONMENT-boundary: WriteEnhancedMonitoringLogs",
        "taproom-ENVIRONMENT-database-monitoring: trust: AssumeRoleForOwnInstance",
        "taproom-ENVIRONMENT-flow-log: trust: AssumeRoleFromFlowLogs",
        "taproom-deploy-ENVIRONMENT-resources: ManageFirewallLogDelivery",
        "write-flow-log: WriteFlowLogs",
    },
    "Only attacks on another environment need it: tests/integration/localaws/iam/test_environment_isolation.py.": {
        "taproom-ENVIRONMENT-boundary: DenyOtherEnvironments",
        "taproom-deploy-ENVIRONMENT-network: DenyOtherEnvironments",
    },
    "A second line behind policies that do not allow it either.": {
        "taproom-pipeline-boundary: DenyPipelineChanges",
        "taproom-pipeline-boundary: DenyStateBucketChanges",
    },
    "Whether AWS asks for it is not documented: KMS-3 in docs/aws-behaviours.md.": {
        "drift: DecryptSchedules",
        "release-plan: DecryptSchedules",
    },
    "The workflows' jobs need it: test_release.py runs them, on a separate local AWS.": {
        "build: GetAuthorizationToken",
        "drift: InvokePlanner",
        "drift: DecryptFunctionVariables",
        "drift: DecryptWriteTokens",
        "drift: DescribeScoped",
        "drift: DescribeUnscoped",
        "drift: ReadStates",
        "drift: GetWriteTokens",
        "plan: InvokePlanner",
        "plan: DescribeUnscoped",
        "taproom-build: trust: AssumeRoleFromGitHub",
        "taproom-deploy-ENVIRONMENT-state-and-image: DescribeImages",
        "taproom-deploy-ENVIRONMENT: trust: AssumeRoleFromGitHub",
        "taproom-drift: trust: AssumeRoleFromGitHub",
        "taproom-plan: trust: AssumeRoleFromGitHub",
        "taproom-release-plan: trust: AssumeRoleFromGitHub",
    },
}
