"""Lambda functions that run: the uploaded zip, in warm processes, with their role's credentials.

moto stores functions, but runs them only in Docker, and not as their role. Here each version and configuration has
worker processes, as Lambda has execution environments: an invocation takes an idle one or starts another, so that
concurrent invocations run concurrently. A function's output goes to its log group (if its role can write there) and to
``logs/functions/NAME.log``.

As in AWS: unhandled errors, exits and timeouts, asynchronous invocation with two retries and dead
letters, and the refusal to create a function whose role Lambda cannot assume, or whose role
cannot create its network interfaces or send dead letters. Different from AWS: the Python version is this environment's,
for any runtime; architecture, memory, disk, network and reserved concurrency are not enforced; retries follow
within seconds; there are no dry runs and no tails of logs.
"""

import hashlib
import io
import json
import threading
import uuid
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.ec2.models import ec2_backends

from localaws.cloudwatch import metrics
from localaws.iam.actions.ec2 import network_interface_permissions
from localaws.iam.authorizer import Authorizer
from localaws.iam.credentials import role_environment
from localaws.lambda_ import dead_letters
from localaws.lambda_ import settings as function_settings
from localaws.lambda_.logs import FunctionLogs
from localaws.lambda_.packages import RUNTIME_PACKAGES, closure, link_packages
from localaws.lambda_.pool import WorkerPool
from localaws.lambda_.worker import Outcome, Worker, WorkerSpecification
from localaws.patch import MonkeyPatch
from localaws.settings import Context

# AWS waits one and two minutes before it tries an asynchronous invocation again.
RETRY_DELAYS_SECONDS = (0.5, 1.0)
ERROR_EXCERPT_CHARACTERS = 1000
_VARIABLES_LIMIT = 4096  # characters of JSON


class InvalidRequestContentError(LambdaClientError):
    """The event is not JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__("InvalidRequestContentException", f"Could not parse request body into json: {reason}")


class Functions:
    """Runs functions, one worker for each concurrent invocation."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._directory = context.settings.run_directory / "functions"
        self._packages = self._directory / "runtime"
        self._authorizer = Authorizer(context.settings, context.journal)
        self._logs = FunctionLogs(context.settings, context.journal, self._authorizer)
        self._patch = MonkeyPatch()
        self._pool = WorkerPool()
        self._unzipping = threading.Lock()
        self._stopping = threading.Event()
        self._patch_moto()

    def run(self, function: LambdaFunction, event: Any) -> Outcome:
        """Invoke a function and wait; return the outcome.

        Raises:
            LambdaClientError: its role cannot decrypt its variables.
            NotImplementedError: it is a container image, which nothing here can run.
        """
        if function.package_type != "Zip":
            raise NotImplementedError(f"the function {function.function_name} is an image, and only zips are run")
        identity = _identity(function)
        self._pool.retire(function.function_name, str(function.version), identity)
        worker = self._pool.take(function.function_name, identity, lambda: self._start(function, identity))
        try:
            outcome = worker.invoke(event)
        finally:
            self._pool.release(worker)
        self._logs.write(function, worker.specification.environment["AWS_LAMBDA_LOG_STREAM_NAME"], outcome)
        milliseconds = round(outcome.duration_seconds * 1000)
        metrics.count_invocation(
            self._context.settings, function.function_name, failed=outcome.failed, milliseconds=milliseconds
        )
        self._context.journal.record(
            "function.invoked",
            function=function.function_name,
            version=str(function.version),
            request_id=outcome.request_id,
            milliseconds=milliseconds,
            failed=outcome.failed,
            **({"error": outcome.payload[:ERROR_EXCERPT_CHARACTERS]} if outcome.failed else {}),
        )
        return outcome

    def _patch_moto(self) -> None:
        link_packages(closure(RUNTIME_PACKAGES).values(), self._packages)
        patch = self._patch
        function_settings.extend(patch)
        patch.attribute(LambdaFunction, "vpc_config", property(_vpc_config))

        @patch.method(LambdaFunction, "invoke")
        def invoke(_original: Callable[..., Any], function: LambdaFunction, *arguments: Any) -> bytes:
            return self._invoke(function, *arguments)

        @patch.method(LambdaResponse, "get_function")
        @patch.method(LambdaResponse, "get_function_configuration")
        def get_function(original: Callable[..., str], response: LambdaResponse) -> str:
            found = json.loads(original(response))
            configuration = found.get("Configuration", found)
            function_settings.withhold_variables(configuration, response.access_key, self._authorizer)
            return json.dumps(found)

        @patch.method(LambdaBackend, "create_function")
        def create(original: Callable[..., Any], backend: LambdaBackend, spec: dict[str, Any]) -> Any:
            self._check_configuration(spec["FunctionName"], spec["Role"], spec)
            return original(backend, spec)

        @patch.method(LambdaBackend, "update_function_configuration")
        def update(
            original: Callable[..., Any], backend: LambdaBackend, name: str, qualifier: str, body: dict[str, Any]
        ) -> Any:
            function = backend.get_function(name, qualifier)
            self._check_configuration(function.function_name, body.get("Role", function.role), body)
            return original(backend, name, qualifier, body)

        @patch.method(LambdaBackend, "delete_function")
        def delete(original: Callable[..., Any], backend: LambdaBackend, name: str, *qualifier: Any) -> Any:
            function = backend.get_function(name)
            answer = original(backend, name, *qualifier)
            self._pool.end_function(function.function_name)
            return answer

    def stop(self) -> None:
        """End all workers and restore moto's methods. Safe to call twice."""
        self._stopping.set()
        self._pool.stop()
        self._patch.undo()

    def status(self) -> dict[str, Any]:
        """Return the workers by function: version, process, and whether it is busy."""
        return self._pool.status()

    def _invoke(
        self, function: LambdaFunction, body: str, request_headers: Any, response_headers: dict[str, Any]
    ) -> bytes:
        try:
            event = json.loads(body) if body else {}
        except ValueError as error:
            raise InvalidRequestContentError(str(error)) from error
        headers = {str(name).lower(): value for name, value in dict(request_headers or {}).items()}
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        response_headers["X-Amz-Executed-Version"] = str(function.version)
        if kind == "Event":
            threading.Thread(target=self._run_later, args=(function, event), daemon=True).start()
            return b""
        outcome = self.run(function, event)
        if outcome.failed:
            response_headers["X-Amz-Function-Error"] = "Unhandled"
        return outcome.payload.encode()

    def _run_later(self, function: LambdaFunction, event: Any) -> None:
        for delay in (0.0, *RETRY_DELAYS_SECONDS):
            if self._stopping.wait(delay):
                return
            with suppress(LambdaClientError):
                if not self.run(function, event).failed:
                    return
        self._send_dead_letter(function, event)

    def _send_dead_letter(self, function: LambdaFunction, event: Any) -> None:
        target = function_settings.dead_letter_target(function)
        delivered = target is not None and dead_letters.deliver(
            json.dumps(event), target, function.role, self._context.settings, self._authorizer
        )
        self._context.journal.record(
            "function.retries_exhausted",
            function=function.function_name,
            dead_letter_target=target,
            delivered=delivered,
        )

    def _check_configuration(self, name: str, role_arn: str, spec: Mapping[str, Any]) -> None:
        """Refuse what Lambda refuses to run.

        Raises:
            InvalidParameterValueException: with AWS's message.
        """
        function_arn = self._authorizer.context.arn("lambda", f"function:{name}")
        if not self._authorizer.trusts(role_arn, "lambda.amazonaws.com", {"aws:SourceArn": function_arn}).allowed:
            raise InvalidParameterValueException("The role defined for the function cannot be assumed by Lambda.")
        if len(json.dumps((spec.get("Environment") or {}).get("Variables"), separators=(",", ":"))) > _VARIABLES_LIMIT:
            raise InvalidParameterValueException(
                "Lambda was unable to configure your environment variables because the environment variables you have "
                "provided exceeded the 4KB limit."
            )
        target = (spec.get("DeadLetterConfig") or {}).get("TargetArn")
        if target:
            dead_letters.check_target(target, role_arn, self._authorizer)
        network = spec.get("VpcConfig") or {}
        if not network.get("SubnetIds"):
            return
        for request in network_interface_permissions(
            network["SubnetIds"], network.get("SecurityGroupIds") or [], self._authorizer.context
        ):
            if not self._authorizer.allows(role_arn, request).allowed:
                operation = request.action.removeprefix("ec2:")
                raise InvalidParameterValueException(
                    f"The provided execution role does not have permissions to call {operation} on EC2"
                )

    def _start(self, function: LambdaFunction, identity: str) -> Worker:
        if not function_settings.can_decrypt(function, self._authorizer):
            message = "Lambda was unable to decrypt the environment variables because KMS access was denied."
            raise LambdaClientError("KMSAccessDeniedException", message)
        settings = self._context.settings
        task_directory = self._unzip(function)
        home = self._directory / function.function_name / "home"
        home.mkdir(parents=True, exist_ok=True)
        log_config = function_settings.logging_config(function)
        environment = {
            **role_environment(settings, function.role, function.function_name),
            **{name: str(value) for name, value in function.environment_vars.items()},
            "_HANDLER": str(function.handler),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": log_config["LogGroup"],
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}",
            "HOME": str(home),
            "LAMBDA_TASK_ROOT": str(task_directory),
            "TMPDIR": str(home),
        }
        if log_config.get("ApplicationLogLevel"):
            environment["AWS_LAMBDA_LOG_LEVEL"] = log_config["ApplicationLogLevel"]
        specification = WorkerSpecification(
            name=function.function_name,
            version=str(function.version),
            identity=identity,
            arn=function.function_arn,
            task_directory=task_directory,
            packages_directory=self._packages,
            environment=environment,
            timeout_seconds=float(function.timeout),
            output=self._directory / function.function_name / f"{uuid.uuid4().hex}.log",
        )
        worker = Worker(specification, self._context.processes)
        self._context.journal.record(
            "function.started", function=function.function_name, version=str(function.version), pid=worker.pid
        )
        return worker

    def _unzip(self, function: LambdaFunction) -> Path:
        digest = hashlib.sha256(function.code_bytes).hexdigest()
        directory: Path = self._directory / function.function_name / digest
        with self._unzipping:
            if not directory.exists():
                unfinished = directory.with_suffix(".unfinished")
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
                    package.extractall(unfinished)
                unfinished.rename(directory)
        return directory


def _identity(function: LambdaFunction) -> str:
    """Return a digest of what a worker is started with; workers with another digest are outdated."""
    parts = [
        function.function_name,
        str(function.version),
        function.code_sha_256,
        function.handler,
        function.role,
        function.timeout,
        function.memory_size,
        function.environment_vars,
        function_settings.logging_config(function),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _vpc_config(function: LambdaFunction) -> dict[str, Any] | None:
    """Return the function's network with the VPC of its subnets; moto names one that does not exist."""
    config: dict[str, Any] | None = function._vpc_config  # noqa: SLF001 - what moto keeps has no other name
    if not config:
        return None
    subnet_ids = config.get("SubnetIds") or []
    if not subnet_ids:
        return {**config, "VpcId": ""}
    vpc_id = ec2_backends[function.account_id][function.region].get_subnet(subnet_ids[0]).vpc_id
    return {**config, "VpcId": vpc_id}
