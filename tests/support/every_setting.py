"""An environment with which every function starts, without a single loopback address."""

SECRET = "x" * 32
EVERY_SETTING = {
    "GOOGLE_CLOUD_PROJECT": "secciones-test",
    "PUBLIC_URL": "https://www.clases.edu.sv/",
    "SESSION_SECRET": SECRET,
    "PSEUDONYM_SECRET": SECRET,
    "SIGES_URL": "https://siges.example",
    "SIGES_TOKEN": SECRET,
    "OIDC_CLIENT_ID": "client",
    "OIDC_CLIENT_SECRET": SECRET,
    "DIRECTORY_SERVICE_ACCOUNT": "directory@x.example",
    "DELEGATED_ADMIN": "admin@clases.edu.sv",
    "SEAL_KEY": "projects/x/locations/y/keyRings/z/cryptoKeys/seeds",
    "TASKS_QUEUE": "projects/x/locations/y/queues/resets",
    "WORKER_URL": "https://worker.example",
    "TASKS_SERVICE_ACCOUNT": "tasks@x.example",
    "MAIL_SERVICE_ACCOUNT": "mail@x.example",
    "MAIL_SENDER": "secciones@clases.edu.sv",
    "SWEEPER_URL": "https://sweeper.example",
    "AUDITOR_URL": "https://auditor.example",
    "OPERATE_URL": "https://operate.example",
    "OPERATORS_SERVICE_ACCOUNT": "operators@x.example",
    "IMPORTER_URL": "https://importer.example",
    "REGISTRY_BUCKET": "secciones-test-registry",
    "REGISTRY_SECRET": SECRET,
    "SCHEDULER_SERVICE_ACCOUNT": "scheduler@x.example",
}
