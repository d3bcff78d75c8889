-- The tables of the first release, as tiyin.storage.schema.creation_sql wrote them.

CREATE TABLE IF NOT EXISTS work (
    key TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    next_at BIGINT NOT NULL,
    owner TEXT COLLATE "C",
    epoch BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (key)
);

CREATE INDEX IF NOT EXISTS work_due ON work (kind, next_at);

CREATE TABLE IF NOT EXISTS commands (
    id TEXT COLLATE "C" NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    done INTEGER[],
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS commands_at ON commands (at);

CREATE TABLE IF NOT EXISTS acquirer_day_files (
    id TEXT COLLATE "C" NOT NULL,
    run BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    lines BIGINT NOT NULL,
    lines_tiyin BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    entries_tiyin BIGINT NOT NULL,
    findings BIGINT NOT NULL,
    open BIGINT NOT NULL,
    undone BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS acquirer_day_findings (
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    line TEXT COLLATE "C" NOT NULL,
    there_tiyin BIGINT NOT NULL,
    here_tiyin BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS acquirer_day_lines (
    id TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    amount_tiyin BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    terminal TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "acquirer_day_lines_rest" PARTITION OF "acquirer_day_lines" DEFAULT;

CREATE TABLE IF NOT EXISTS acquirer_operations (
    id TEXT COLLATE "C" NOT NULL,
    card TEXT COLLATE "C" NOT NULL,
    terminal TEXT COLLATE "C" NOT NULL,
    amount_tiyin BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    code BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    debited_ms BIGINT NOT NULL,
    reversed_ms BIGINT NOT NULL,
    debited_day BIGINT NOT NULL,
    reversed_day BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "acquirer_operations_rest" PARTITION OF "acquirer_operations" DEFAULT;

CREATE INDEX IF NOT EXISTS acquirer_operations_by_card ON acquirer_operations (card);

CREATE INDEX IF NOT EXISTS acquirer_operations_by_debited_day ON acquirer_operations (debited_day, id);

CREATE INDEX IF NOT EXISTS acquirer_operations_by_reversed_day ON acquirer_operations (reversed_day, id) WHERE reversed_day > 0;

CREATE TABLE IF NOT EXISTS businesses (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    organization TEXT COLLATE "C" NOT NULL,
    active BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS card_codes (
    id TEXT COLLATE "C" NOT NULL,
    code_hash TEXT COLLATE "C" NOT NULL,
    tries BIGINT NOT NULL,
    used BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    again_at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS card_tokens (
    id TEXT COLLATE "C" NOT NULL,
    desk_id TEXT COLLATE "C" NOT NULL,
    card_id TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    expire TEXT COLLATE "C" NOT NULL,
    save BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    amount_tiyin BIGINT,
    account TEXT COLLATE "C",
    customer TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C",
    attempt BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS cards (
    id TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    expire TEXT COLLATE "C" NOT NULL,
    number_sealed BYTEA NOT NULL,
    created_at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS cards_by_fingerprint ON cards (fingerprint, expire);

CREATE TABLE IF NOT EXISTS checkout_orders (
    id TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS checkout_orders_by_age ON checkout_orders (created_at_ms);

CREATE TABLE IF NOT EXISTS checkout_visits (
    id TEXT NOT NULL,
    browser TEXT NOT NULL,
    order_key TEXT NOT NULL,
    opened_from TEXT NOT NULL,
    step TEXT NOT NULL,
    claimed_at_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    receipt_id TEXT,
    token_sealed BYTEA,
    card_number TEXT NOT NULL,
    phone TEXT NOT NULL,
    code_again_at_ms BIGINT NOT NULL,
    paying_at_ms BIGINT NOT NULL,
    failure TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS checkout_visits_by_age ON checkout_visits (created_at_ms);

CREATE INDEX IF NOT EXISTS checkout_visits_by_order ON checkout_visits (browser, order_key);

CREATE INDEX IF NOT EXISTS checkout_visits_by_receipt ON checkout_visits (browser, receipt_id);

CREATE TABLE IF NOT EXISTS counts (
    id TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS counts_by_end ON counts (until_ms);

CREATE TABLE IF NOT EXISTS desks (
    id TEXT COLLATE "C" NOT NULL,
    business_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C",
    account_fields TEXT COLLATE "C" NOT NULL,
    amount_tiyin_min BIGINT NOT NULL,
    amount_tiyin_max BIGINT NOT NULL,
    round_up BIGINT NOT NULL,
    holds BIGINT NOT NULL,
    active BIGINT NOT NULL,
    alias TEXT COLLATE "C",
    logo TEXT COLLATE "C",
    address TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    epos TEXT COLLATE "C" NOT NULL,
    domains TEXT COLLATE "C" NOT NULL,
    commission_basis_points BIGINT NOT NULL,
    key_sealed BYTEA NOT NULL,
    test_key_sealed BYTEA NOT NULL,
    created_at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS desks_by_alias ON desks (alias);

CREATE INDEX IF NOT EXISTS desks_by_business ON desks (business_id);

CREATE TABLE IF NOT EXISTS fiscal_receipts (
    id TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    told_ms BIGINT NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "fiscal_receipts_rest" PARTITION OF "fiscal_receipts" DEFAULT;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id TEXT COLLATE "C" NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    made_sealed BYTEA NOT NULL,
    answer_sealed BYTEA,
    runner TEXT COLLATE "C" NOT NULL,
    running_until_ms BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS idempotency_keys_at ON idempotency_keys (at_ms);

CREATE TABLE IF NOT EXISTS ledger_day_accounts (
    id TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    debits BIGINT NOT NULL,
    debit_tiyin BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    credit_tiyin BIGINT NOT NULL,
    opening_tiyin BIGINT NOT NULL,
    closing_tiyin BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS ledger_day_late (
    id TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    entry_day TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    debits BIGINT NOT NULL,
    debit_tiyin BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    credit_tiyin BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS ledger_day_late_by_day ON ledger_day_late (day);

CREATE TABLE IF NOT EXISTS ledger_days (
    id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    entries BIGINT NOT NULL,
    late_entries BIGINT NOT NULL,
    payouts BIGINT NOT NULL,
    payouts_tiyin BIGINT NOT NULL,
    began_ms BIGINT NOT NULL,
    closed_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS ledger_desk_days (
    id TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    desk_id TEXT COLLATE "C" NOT NULL,
    payments BIGINT NOT NULL,
    gross_tiyin BIGINT NOT NULL,
    commission_tiyin BIGINT NOT NULL,
    refunds BIGINT NOT NULL,
    refunds_tiyin BIGINT NOT NULL,
    net_tiyin BIGINT NOT NULL,
    late_tiyin BIGINT NOT NULL,
    returned_tiyin BIGINT NOT NULL,
    balance_tiyin BIGINT NOT NULL,
    debt_tiyin BIGINT NOT NULL,
    suspended_tiyin BIGINT NOT NULL,
    recovered_tiyin BIGINT NOT NULL,
    payout_tiyin BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS ledger_entries (
    id TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    debit TEXT COLLATE "C" NOT NULL,
    credit TEXT COLLATE "C" NOT NULL,
    amount_tiyin BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "ledger_entries_rest" PARTITION OF "ledger_entries" DEFAULT;

CREATE INDEX IF NOT EXISTS ledger_entries_by_time ON ledger_entries (at_ms, id);

CREATE TABLE IF NOT EXISTS messages (
    id TEXT COLLATE "C" NOT NULL,
    way TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    desk_id TEXT COLLATE "C",
    receipt_id TEXT COLLATE "C",
    receiver TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    tries BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    error TEXT COLLATE "C",
    at_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "messages_rest" PARTITION OF "messages" DEFAULT;

CREATE INDEX IF NOT EXISTS messages_by_age ON messages (at_ms);

CREATE INDEX IF NOT EXISTS messages_by_receipt ON messages (receipt_id);

CREATE TABLE IF NOT EXISTS payouts (
    id TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    desk_id TEXT COLLATE "C" NOT NULL,
    amount_tiyin BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    due_ms BIGINT NOT NULL,
    paid_ms BIGINT NOT NULL,
    paid_by TEXT COLLATE "C" NOT NULL,
    bank_reference TEXT COLLATE "C" NOT NULL,
    returned_ms BIGINT NOT NULL,
    returned_by TEXT COLLATE "C" NOT NULL,
    return_note TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS payouts_by_desk ON payouts (desk_id, id);

CREATE INDEX IF NOT EXISTS payouts_by_state ON payouts (state, id);

CREATE TABLE IF NOT EXISTS receipt_attempts (
    id TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C" NOT NULL,
    step TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "receipt_attempts_rest" PARTITION OF "receipt_attempts" DEFAULT;

CREATE TABLE IF NOT EXISTS receipt_interventions (
    id TEXT COLLATE "C" NOT NULL,
    receipt_id TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "receipt_interventions_rest" PARTITION OF "receipt_interventions" DEFAULT;

CREATE TABLE IF NOT EXISTS receipt_number_blocks (
    id TEXT COLLATE "C" NOT NULL,
    next BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS receipts (
    id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    desk_id TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    amount_tiyin BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    account_key TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    type BIGINT NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C",
    back_url TEXT COLLATE "C",
    hold BIGINT NOT NULL,
    state BIGINT NOT NULL,
    state_from BIGINT,
    step TEXT COLLATE "C",
    stage_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    attempt_key TEXT COLLATE "C",
    endpoint TEXT COLLATE "C",
    time_ms BIGINT NOT NULL,
    commission_tiyin BIGINT NOT NULL,
    terminal TEXT COLLATE "C" NOT NULL,
    card_id TEXT COLLATE "C",
    token_id TEXT COLLATE "C",
    card_mask TEXT COLLATE "C",
    card_expire TEXT COLLATE "C",
    payer TEXT COLLATE "C",
    shares TEXT COLLATE "C",
    transaction TEXT COLLATE "C",
    reference TEXT COLLATE "C",
    cancel_reason BIGINT,
    cancelling BIGINT NOT NULL,
    cancel_wish BIGINT,
    overridden BIGINT NOT NULL,
    held BIGINT NOT NULL,
    held_ms BIGINT NOT NULL,
    fiscal BIGINT NOT NULL,
    fiscal_due BIGINT NOT NULL,
    error TEXT COLLATE "C",
    pay_time_ms BIGINT NOT NULL,
    cancel_time_ms BIGINT NOT NULL,
    events BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "receipts_rest" PARTITION OF "receipts" DEFAULT;

CREATE INDEX IF NOT EXISTS receipts_by_desk ON receipts (desk_id, created_ms);

CREATE INDEX IF NOT EXISTS receipts_cancelling ON receipts (desk_id, account_key) WHERE cancelling = 1;

CREATE TABLE IF NOT EXISTS test_fiscal_registrations (
    id TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS "test_fiscal_registrations_rest" PARTITION OF "test_fiscal_registrations" DEFAULT;

CREATE TABLE IF NOT EXISTS test_fiscal_terminals (
    id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE OR REPLACE FUNCTION ledger_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN RAISE EXCEPTION 'ledger entries are never changed or deleted' USING ERRCODE = 'restrict_violation'; END $body$;

CREATE OR REPLACE TRIGGER ledger_entries_no_change BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entries_stay();

CREATE OR REPLACE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_stay();
