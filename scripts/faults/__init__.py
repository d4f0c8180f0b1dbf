"""Referrals sent while workers are killed, PostgreSQL is restarted and the broker is wiped: is one lost or doubled?"""
