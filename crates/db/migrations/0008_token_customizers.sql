-- Scripts that add claims to tokens, one for each kind of token. Their environment variables, a JSON object, are sealed: they may
-- hold keys of other services. NULL stands for what was never given.
CREATE TABLE token_customizers (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    script TEXT NOT NULL,
    environment_variables TEXT,
    context_sample TEXT,
    token_sample TEXT,
    block_issuance_on_error BOOLEAN,
    CONSTRAINT token_customizers_kind PRIMARY KEY (tenant_id, kind)
);
