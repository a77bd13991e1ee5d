-- Exports ask for the external ids of addresses: the index holds them, so that no row is fetched.
DROP INDEX contact_address;
CREATE INDEX contact_address ON contact (address_key, external_id);
