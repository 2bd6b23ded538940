FROM node:20
WORKDIR /app
COPY api/package*.json ./api/
COPY page ./page
CMD ["npm", "run", "dev"]
