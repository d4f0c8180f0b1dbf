WITH kept AS (
    INSERT INTO floor_resource
    SELECT gen_random_uuid(), kind, jsonb_build_object('resourceType', kind, 'text', repeat('x', 900))
    FROM (VALUES ('Patient'), ('ServiceRequest'), ('Task')) AS kinds (kind)
    RETURNING id, kind, document
), versions AS (
    INSERT INTO floor_history (resource_id, document) SELECT id, document FROM kept
), audit AS (
    INSERT INTO floor_audit (at, target) SELECT now(), id FROM kept WHERE kind = 'ServiceRequest'
)
INSERT INTO floor_outbox (at, target) SELECT now(), id FROM kept WHERE kind = 'ServiceRequest';
