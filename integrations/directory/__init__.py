"""Directories of others: Open Referral UK (HSDS-UK 3.0), read and published."""
