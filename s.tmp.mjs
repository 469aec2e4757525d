import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
for (const name of ['wandb','castaiNotifications','stripe','github']) {
 const {outputFiles:[f]}=await build({stdin:{contents:`import { verify } from 'postern'
    import { ${name} } from 'postern/providers'
    export const check = (request) => verify(request, ${name}({ secret: process.env.SECRET }))`,resolveDir:process.cwd()},bundle:true,minify:true,write:false,format:'esm',platform:'node'})
 console.log(name, gzipSync(f.contents).byteLength)
}
