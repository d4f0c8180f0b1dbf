"""Messages of the Booking and Referral Standard (BaRS): one Bundle that refers somebody or takes that back."""
