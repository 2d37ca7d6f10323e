"""One suite for each port, over the double in memory and over what it stands for."""
