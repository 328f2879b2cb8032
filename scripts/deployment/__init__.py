"""Deploy an environment: plan, save the plan, apply exactly that, and check that the service serves."""
