"""The actions over the memory doubles: a module of tests for each module of actions."""
