"""AWS as the handlers see it: `protocols` says what may be asked, the rest asks it."""
