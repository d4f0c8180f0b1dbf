-- The rows of one referral without any program around them: three resources, three versions, audit, outbox.
CREATE TABLE floor_resource (id uuid PRIMARY KEY, kind text NOT NULL, document jsonb NOT NULL);
CREATE TABLE floor_history (id bigserial PRIMARY KEY, resource_id uuid NOT NULL, document jsonb NOT NULL);
CREATE TABLE floor_audit (id bigserial PRIMARY KEY, at timestamptz NOT NULL, target uuid NOT NULL);
CREATE TABLE floor_outbox (id bigserial PRIMARY KEY, at timestamptz NOT NULL, target uuid NOT NULL);
