-- What a registered client was last given, and what the operator has decided about it since, as JSON. A registration from before there
-- was this column has none: whatever the operator could have tightened counts as tightened then.
ALTER TABLE client_registrations ADD COLUMN terms TEXT;
