"""PIRenderer's network (Ren et al., ICCV 2021): coefficients to flow, flow to frames."""
