"""Workers and the dispatcher that feeds them: in this process (`serial`) or as Ray actors (`ray_pool`)."""
