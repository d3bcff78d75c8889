-- The tables of the first release, as tiyin.storage.schema.creation_sql wrote them.

CREATE TABLE IF NOT EXISTS work (
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    owner TEXT,
    epoch INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    PRIMARY KEY ("key")
)
 STRICT;

CREATE INDEX IF NOT EXISTS work_due ON work (kind, next_at);

CREATE TABLE IF NOT EXISTS acquirer_day_files (
    id TEXT NOT NULL,
    run INTEGER NOT NULL,
    state TEXT NOT NULL,
    lines INTEGER NOT NULL,
    lines_tiyin INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    entries_tiyin INTEGER NOT NULL,
    findings INTEGER NOT NULL,
    open INTEGER NOT NULL,
    undone INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS acquirer_day_findings (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    "key" TEXT NOT NULL,
    line TEXT NOT NULL,
    there_tiyin INTEGER NOT NULL,
    here_tiyin INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS acquirer_day_lines (
    id TEXT NOT NULL,
    count INTEGER NOT NULL,
    amount_tiyin INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS acquirer_operations (
    id TEXT NOT NULL,
    card TEXT NOT NULL,
    terminal TEXT NOT NULL,
    amount_tiyin INTEGER NOT NULL,
    state TEXT NOT NULL,
    code INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    debited_ms INTEGER NOT NULL,
    reversed_ms INTEGER NOT NULL,
    debited_day INTEGER NOT NULL,
    reversed_day INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS acquirer_operations_by_card ON acquirer_operations (card);

CREATE INDEX IF NOT EXISTS acquirer_operations_by_debited_day ON acquirer_operations (debited_day, id);

CREATE INDEX IF NOT EXISTS acquirer_operations_by_reversed_day ON acquirer_operations (reversed_day, id) WHERE reversed_day > 0;

CREATE TABLE IF NOT EXISTS businesses (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    organization TEXT NOT NULL,
    active INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS card_codes (
    id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    tries INTEGER NOT NULL,
    used INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    again_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS card_tokens (
    id TEXT NOT NULL,
    desk_id TEXT NOT NULL,
    card_id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    number TEXT NOT NULL,
    expire TEXT NOT NULL,
    save INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    amount_tiyin INTEGER,
    account TEXT,
    customer TEXT,
    state TEXT NOT NULL,
    receipt_id TEXT,
    attempt INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS cards (
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    expire TEXT NOT NULL,
    number_sealed BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

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
    token_sealed BLOB,
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
    id TEXT NOT NULL,
    count INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS counts_by_end ON counts (until_ms);

CREATE TABLE IF NOT EXISTS desks (
    id TEXT NOT NULL,
    business_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    endpoint TEXT,
    account_fields TEXT NOT NULL,
    amount_tiyin_min INTEGER NOT NULL,
    amount_tiyin_max INTEGER NOT NULL,
    round_up INTEGER NOT NULL,
    holds INTEGER NOT NULL,
    active INTEGER NOT NULL,
    alias TEXT,
    logo TEXT,
    address TEXT NOT NULL,
    category TEXT NOT NULL,
    epos TEXT NOT NULL,
    domains TEXT NOT NULL,
    commission_basis_points INTEGER NOT NULL,
    key_sealed BLOB NOT NULL,
    test_key_sealed BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX IF NOT EXISTS desks_by_alias ON desks (alias);

CREATE INDEX IF NOT EXISTS desks_by_business ON desks (business_id);

CREATE TABLE IF NOT EXISTS fiscal_receipts (
    id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    source TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    told_ms INTEGER NOT NULL,
    note TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id TEXT NOT NULL,
    request TEXT NOT NULL,
    made_sealed BLOB NOT NULL,
    answer_sealed BLOB,
    runner TEXT NOT NULL,
    running_until_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS idempotency_keys_at ON idempotency_keys (at_ms);

CREATE TABLE IF NOT EXISTS ledger_day_accounts (
    id TEXT NOT NULL,
    day TEXT NOT NULL,
    account TEXT NOT NULL,
    debits INTEGER NOT NULL,
    debit_tiyin INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    credit_tiyin INTEGER NOT NULL,
    opening_tiyin INTEGER NOT NULL,
    closing_tiyin INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS ledger_day_late (
    id TEXT NOT NULL,
    day TEXT NOT NULL,
    run TEXT NOT NULL,
    entry_day TEXT NOT NULL,
    account TEXT NOT NULL,
    debits INTEGER NOT NULL,
    debit_tiyin INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    credit_tiyin INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS ledger_day_late_by_day ON ledger_day_late (day);

CREATE TABLE IF NOT EXISTS ledger_days (
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    run TEXT NOT NULL,
    entries INTEGER NOT NULL,
    late_entries INTEGER NOT NULL,
    payouts INTEGER NOT NULL,
    payouts_tiyin INTEGER NOT NULL,
    began_ms INTEGER NOT NULL,
    closed_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS ledger_desk_days (
    id TEXT NOT NULL,
    day TEXT NOT NULL,
    desk_id TEXT NOT NULL,
    payments INTEGER NOT NULL,
    gross_tiyin INTEGER NOT NULL,
    commission_tiyin INTEGER NOT NULL,
    refunds INTEGER NOT NULL,
    refunds_tiyin INTEGER NOT NULL,
    net_tiyin INTEGER NOT NULL,
    late_tiyin INTEGER NOT NULL,
    returned_tiyin INTEGER NOT NULL,
    balance_tiyin INTEGER NOT NULL,
    debt_tiyin INTEGER NOT NULL,
    suspended_tiyin INTEGER NOT NULL,
    recovered_tiyin INTEGER NOT NULL,
    payout_tiyin INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS ledger_entries (
    id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    what TEXT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount_tiyin INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS ledger_entries_by_time ON ledger_entries (at_ms, id);

CREATE TABLE IF NOT EXISTS messages (
    id TEXT NOT NULL,
    way TEXT NOT NULL,
    purpose TEXT NOT NULL,
    desk_id TEXT,
    receipt_id TEXT,
    receiver TEXT NOT NULL,
    sealed BLOB NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    error TEXT,
    at_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS messages_by_age ON messages (at_ms);

CREATE INDEX IF NOT EXISTS messages_by_receipt ON messages (receipt_id);

CREATE TABLE IF NOT EXISTS payouts (
    id TEXT NOT NULL,
    day TEXT NOT NULL,
    desk_id TEXT NOT NULL,
    amount_tiyin INTEGER NOT NULL,
    state TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    paid_ms INTEGER NOT NULL,
    paid_by TEXT NOT NULL,
    bank_reference TEXT NOT NULL,
    returned_ms INTEGER NOT NULL,
    returned_by TEXT NOT NULL,
    return_note TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS payouts_by_desk ON payouts (desk_id, id);

CREATE INDEX IF NOT EXISTS payouts_by_state ON payouts (state, id);

CREATE TABLE IF NOT EXISTS receipt_attempts (
    id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    step TEXT NOT NULL,
    outcome TEXT NOT NULL,
    note TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS receipt_interventions (
    id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS receipt_number_blocks (
    id TEXT NOT NULL,
    next INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS receipts (
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    desk_id TEXT NOT NULL,
    route TEXT NOT NULL,
    amount_tiyin INTEGER NOT NULL,
    account TEXT NOT NULL,
    account_key TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    type INTEGER NOT NULL,
    source TEXT NOT NULL,
    description TEXT NOT NULL,
    detail TEXT,
    back_url TEXT,
    hold INTEGER NOT NULL,
    state INTEGER NOT NULL,
    state_from INTEGER,
    step TEXT,
    stage_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempt_key TEXT,
    endpoint TEXT,
    time_ms INTEGER NOT NULL,
    commission_tiyin INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    card_id TEXT,
    token_id TEXT,
    card_mask TEXT,
    card_expire TEXT,
    payer TEXT,
    shares TEXT,
    "transaction" TEXT,
    reference TEXT,
    cancel_reason INTEGER,
    cancelling INTEGER NOT NULL,
    cancel_wish INTEGER,
    overridden INTEGER NOT NULL,
    held INTEGER NOT NULL,
    held_ms INTEGER NOT NULL,
    fiscal INTEGER NOT NULL,
    fiscal_due INTEGER NOT NULL,
    error TEXT,
    pay_time_ms INTEGER NOT NULL,
    cancel_time_ms INTEGER NOT NULL,
    events INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX IF NOT EXISTS receipts_by_desk ON receipts (desk_id, created_ms);

CREATE INDEX IF NOT EXISTS receipts_cancelling ON receipts (desk_id, account_key) WHERE cancelling = 1;

CREATE TABLE IF NOT EXISTS test_fiscal_registrations (
    id TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE IF NOT EXISTS test_fiscal_terminals (
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT;

CREATE TRIGGER IF NOT EXISTS ledger_entries_no_update BEFORE UPDATE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END;

CREATE TRIGGER IF NOT EXISTS ledger_entries_no_delete BEFORE DELETE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed or deleted'); END;
