"""Schemathesis reads our own OpenAPI document and sends what it allows, and what it does not, to every operation."""

import os
import subprocess
import sys
from pathlib import Path

from support import Server

# Of an operation, in each phase.
EXAMPLES = 15
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
# The same requests each time: a failure can be looked at again. It takes a day's number when it is to find something new.
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")


def test_every_operation_answers_what_the_document_says() -> None:
    logs = Path(__file__).parent.parent / "test-results/schemathesis"
    # A server of its own: what is sent changes keys, settings and whatever else there is.
    server = Server(logs)
    try:
        settings = ["--config-file", str(Path(__file__).with_name("schemathesis.toml"))]
        program = [str(Path(sys.executable).with_name("schemathesis")), *settings, "run"]
        limits = ["--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing"]
        how = ["--checks", ",".join(CHECKS), "--seed", SEED, "--workers", "2", "--no-color"]
        token = ["--header", f"Authorization: Bearer {server.management_token()}"]
        document = f"{server.endpoint}/api/swagger.json"
        done = subprocess.run(
            [*program, *limits, *how, *token, document],
            capture_output=True,
            text=True,
            timeout=900,
            cwd=logs,
        )
        (logs / "report.txt").write_text(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout[-20_000:]
        assert "Tested: " in done.stdout, done.stdout
    finally:
        server.stop()
