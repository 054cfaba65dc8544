"""Side by side with earlier releases. Only ratios are told: seconds say more of the machine than of us."""
