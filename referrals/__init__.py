"""The referral and its life, from receiving to closing."""
