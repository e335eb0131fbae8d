"""Which address each part has, and the settings that the functions find in their environment.

Whatever the environment already sets is used as it is: that is how any part of the stack is
swapped for another server that speaks the same API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.local.folder import Folder

PROJECT = "secciones-local"
LOCATION = f"projects/{PROJECT}/locations/us-central1"
FUNCTIONS = ("login", "verify", "sections", "reset", "worker", "sweeper", "mirror", "auditor", "operate", "importer")
GOOGLE_SETTINGS = (
    "OIDC_ISSUER",
    "DIRECTORY_API_ENDPOINT",
    "GMAIL_API_ENDPOINT",
    "TOKEN_ENDPOINT",
    "KMS_API_ENDPOINT",
    "STORAGE_API_ENDPOINT",
)

# Ports, counted from that of the front door.
GOOGLE, SIGES, TASKS, FIRST_FUNCTION = 1, 2, 3, 11
PORTS = (0, GOOGLE, SIGES, TASKS, *range(FIRST_FUNCTION, FIRST_FUNCTION + len(FUNCTIONS)))


@dataclass(frozen=True)
class Configuration:
    """Everything that a stack is told, by its environment or by default."""

    port: int
    folder: Folder
    secrets: Mapping[str, str]
    environment: Mapping[str, str]

    def setting(self, name: str, default: str) -> str:
        """A setting as the environment has it, else the default."""
        return self.environment.get(name) or default

    def given(self, *names: str) -> bool:
        """Whether the environment sets all of these."""
        return all(self.environment.get(name) for name in names)

    @property
    def public_url(self) -> str:
        return self.setting("PUBLIC_URL", f"http://localhost:{self.port}").rstrip("/")

    @property
    def starts_google(self) -> bool:
        """Its key files sign the calls to it, so it is left out only with another's key at hand."""
        return not self.given(*GOOGLE_SETTINGS, "GOOGLE_APPLICATION_CREDENTIALS")

    @property
    def starts_siges(self) -> bool:
        return not self.given("SIGES_URL")

    @property
    def starts_tasks(self) -> bool:
        return not self.given("CLOUD_TASKS_ENDPOINT")

    @property
    def google_stand_in(self) -> str:
        return f"http://localhost:{self.port + GOOGLE}"

    @property
    def google(self) -> str:
        """Where people sign in."""
        return self.setting("OIDC_ISSUER", self.google_stand_in)

    @property
    def token_endpoint(self) -> str:
        return self.setting("TOKEN_ENDPOINT", f"{self.google_stand_in}/token")

    @property
    def identity(self) -> str:
        """Who gives service accounts their ID tokens, and is the issuer of them."""
        if self.starts_google:
            return self.google_stand_in
        parts = urlsplit(self.token_endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def siges(self) -> str:
        return self.setting("SIGES_URL", f"http://localhost:{self.port + SIGES}")

    @property
    def siges_token(self) -> str:
        return self.setting("SIGES_TOKEN", self.secrets["SIGES_TOKEN"])

    @property
    def tasks(self) -> str:
        return self.setting("CLOUD_TASKS_ENDPOINT", f"http://localhost:{self.port + TASKS}")

    def function_port(self, name: str) -> int:
        return self.port + FIRST_FUNCTION + FUNCTIONS.index(name)

    def function_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.function_port(name)}"

    def key_file(self, name: str) -> str:
        """The key file of the service account that a function or part runs as."""
        own = str(self.folder.state / "keys" / f"{name}.json")
        return self.setting("GOOGLE_APPLICATION_CREDENTIALS", own)


def without_foreign_key(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without a key that speaks to another Google than this stack's.

    Whoever has one set for other work still gets a stack that runs: a key belongs to its TOKEN_ENDPOINT, and without
    one all tokens come from the stand-in, which knows its own keys alone.
    """
    foreign = set() if environment.get("TOKEN_ENDPOINT") else {"GOOGLE_APPLICATION_CREDENTIALS"}
    return {name: value for name, value in environment.items() if name not in foreign}


def service_account(name: str) -> str:
    """The address of a service account of the local project."""
    return f"{name}@{PROJECT}.iam.gserviceaccount.com"


def function_settings(configuration: Configuration, name: str) -> dict[str, str]:
    """The environment's settings of a function, those already set included."""
    settings = {
        **_endpoints(configuration),
        **_identities(configuration, name),
        **_state(configuration),
        **configuration.secrets,
        "WORKSPACE_DOMAIN": "clases.edu.sv",
        "DELEGATED_ADMIN": "restablecimiento@clases.edu.sv",
        "MAIL_SENDER": "secciones@clases.edu.sv",
        # Whoever tries things out here types wrong numbers on purpose.
        "ACCOUNT_FAILURES_PER_SIX_HOURS": "50",
        "DUI_FAILURES_PER_HOUR": "50",
        "DUI_FAILURES_PER_DAY": "200",
        "DUI_FAILURES_UNTIL_UNLOCKED": "100000",
        "ADDRESS_FAILURES_PER_HOUR": "100000",
        # And resets one section again and again.
        "BATCHES_PER_DAY": "1000",
        "COLLEAGUE_RESET_HOURS": "0",
        "OWN_RESET_HOURS": "0",
        # And looks at once what became of an account.
        "MIRROR_MINUTES": "1",
        "PAGE_INSTANCES": "1",
    }
    return {key: configuration.setting(key, value) for key, value in settings.items()}


def _endpoints(configuration: Configuration) -> dict[str, str]:
    google = configuration.google_stand_in
    return {
        "PUBLIC_URL": configuration.public_url,
        "OIDC_ISSUER": google,
        "DIRECTORY_API_ENDPOINT": google,
        "GMAIL_API_ENDPOINT": google,
        "KMS_API_ENDPOINT": google,
        "STORAGE_API_ENDPOINT": google,
        "TOKEN_ENDPOINT": configuration.token_endpoint,
        "SIGN_IN_URL": configuration.google,
        "CLOUD_TASKS_ENDPOINT": configuration.tasks,
        "SIGES_URL": configuration.siges,
        "WORKER_URL": configuration.function_url("worker"),
        "SWEEPER_URL": configuration.function_url("sweeper"),
        "MIRROR_URL": configuration.function_url("mirror"),
        "AUDITOR_URL": configuration.function_url("auditor"),
        "OPERATE_URL": configuration.function_url("operate"),
        "IMPORTER_URL": configuration.function_url("importer"),
    }


def _identities(configuration: Configuration, name: str) -> dict[str, str]:
    return {
        "OIDC_CLIENT_ID": f"{PROJECT}.apps.googleusercontent.com",
        "CALLER_ISSUER": configuration.identity,
        "GOOGLE_APPLICATION_CREDENTIALS": configuration.key_file(name),
        "DIRECTORY_SERVICE_ACCOUNT": service_account(name),
        "MAIL_SERVICE_ACCOUNT": service_account(name),
        "TASKS_SERVICE_ACCOUNT": service_account("tasks"),
        "SCHEDULER_SERVICE_ACCOUNT": service_account("scheduler"),
        "OPERATORS_SERVICE_ACCOUNT": service_account("operators"),
    }


def _state(configuration: Configuration) -> dict[str, str]:
    embedded = f"sqlite:{configuration.folder.state / 'documents.sqlite'}"
    return {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "STORE": "firestore" if configuration.given("FIRESTORE_EMULATOR_HOST") else embedded,
        "TASKS_QUEUE": f"{LOCATION}/queues/resets",
        "REGISTRY_BUCKET": f"{PROJECT}-roster",
        "SEAL_KEY": f"{LOCATION}/keyRings/secciones/cryptoKeys/seeds",
    }
