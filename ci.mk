# Targets that the workflows call; part of the Makefile. They can be called by hand too.

rehearse: .venv/ready # Rehearse, check and destroy in one go
	@$(RUN) rehearsal rehearse

image-digest: .venv/ready # Print the digest of the image that main built (COMMIT=..., or DIGEST=... to check that it exists; ARGS=--if-any)
	@$(RUN) scripts.image_digest $(ARGS)

apply: | terraform # Apply an environment with an image of the registry (ENVIRONMENT, IMAGE, STATE_BUCKET, AWS_REGION)
	@scripts/apply

smoke: .venv/ready | terraform # Check that what was applied is what runs, and that it serves (IMAGE, AWS_REGION)
	@$(RUN) scripts.smoke

plan: .venv/ready | terraform # Write what an apply would change, SQL included, to build/plan.md (ENVIRONMENT="dev prod", STATE_BUCKET, AWS_REGION)
	@$(RUN) scripts.plan

release-notes: .venv/ready # Check that TAG=v1.2.0 is on main and in the changelog; write build/release-notes.md
	@$(RUN) scripts.release_notes

post-plan: .venv/ready # For pull requests: one comment
	@$(RUN) scripts.github comment build/plan.md

post-drift: .venv/ready # For the drift watch: one issue an environment
	@$(RUN) scripts.github issue build/plan.md
